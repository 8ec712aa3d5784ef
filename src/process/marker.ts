/** Variables of this name, and it with a number, hold what a process is to become (`linux/exec.ts`). */
export const execMarker = '_LAMBDA_RIE_EXEC'
