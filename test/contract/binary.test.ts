import { subject } from './subject.ts'
import { contract } from './suite.ts'

contract(await subject('binary'), 'binary')
