import { subject } from './subject.ts'
import { contract } from './suite.ts'

contract(await subject('source'), 'source')
