import { onRequest } from './subject.ts'
import { contract } from './suite.ts'

contract(await onRequest('portable'), 'portable')
