import { type Missing, type Subject, subject } from './subject.ts'
import { contract } from './suite.ts'

const asked = process.env.CONTRACT_REFERENCE === '1'
const which: Subject | Missing = asked
  ? await subject('reference')
  : { missing: 'only with CONTRACT_REFERENCE=1' }
if ('missing' in which) console.log(`contract, reference: skipped, ${which.missing}`)
contract(which, 'reference')
