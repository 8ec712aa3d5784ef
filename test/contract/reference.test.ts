import { onRequest } from './subject.ts'
import { contract } from './suite.ts'

const which = await onRequest('reference')
if ('missing' in which) console.log(`contract, reference: skipped, ${which.missing}`)
contract(which, 'reference')
