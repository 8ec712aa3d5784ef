import { subject } from './subject.ts'
import { contract } from './suite.ts'

const which = await subject('binary')
if ('missing' in which) console.log(`contract, binary: skipped, ${which.missing}`)
contract(which, 'binary')
