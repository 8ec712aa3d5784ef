/**
 * Whether a process has ended, asked of the kernel. Bun tells of it at its own time, which may be after the next
 * request has been read.
 */

import { constants } from 'node:os'
import type { ExitStatus } from '../../engine/ports.ts'
import {
  CLD_EXITED,
  libc,
  P_PID,
  SI_CODE_OFFSET,
  SI_PID_OFFSET,
  SI_STATUS_OFFSET,
  SIGINFO_SIZE,
  WEXITED,
  WNOHANG,
  WNOWAIT,
} from './libc.ts'

const info = new Int32Array(SIGINFO_SIZE / 4)

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`
}

/** The status of a child that has ended and that nobody has waited for yet, else null. Leaves it for Bun to reap. */
export function endedStatus(pid: number): ExitStatus | null {
  info[SI_PID_OFFSET / 4] = 0
  if (libc().waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return null
  if (info[SI_PID_OFFSET / 4] !== pid) return null
  const status = info[SI_STATUS_OFFSET / 4] as number
  return info[SI_CODE_OFFSET / 4] === CLD_EXITED
    ? { kind: 'code', code: status }
    : { kind: 'signal', signal: signalName(status) }
}
