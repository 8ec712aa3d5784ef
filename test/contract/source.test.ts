import { subject } from './subject.ts'
import { contract } from './suite.ts'

const which = await subject('source')
if ('missing' in which) console.log(`contract, source: skipped, ${which.missing}`)
contract(which, 'source')
