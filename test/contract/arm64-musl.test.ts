import { onRequest } from './subject.ts'
import { contract } from './suite.ts'

const which = await onRequest('arm64-musl')
if ('missing' in which) console.log(`contract, arm64-musl: skipped, ${which.missing}`)
contract(which, 'arm64-musl')
