/**
 * Leaves the frames of this program out of the traces of a function's errors. An error that is thrown before the
 * handler's first `await` has half a dozen of them below those of the function, where they only hide what was asked for.
 */

/** The folder of our own modules, as it stands in a trace: of the source, or within the compiled program. */
const folder = (new Error().stack ?? '').match(/(\/[^\n]*)\/[^/\n]+:\d+:\d+/)?.[1] ?? '/$bunfs/root'

const own = `\\n\\s+at [^\\n]*?${RegExp.escape(folder)}/[^\\n]*?:\\d+:\\d+\\)?`
// Bun's own functions between two of ours
const native = '\\n\\s+at [^\\n]*?\\(native:\\d+:\\d+\\)'
const frames = new RegExp(`${own}(?:${native}|${own})*`, 'g')

/** A text with its traces shortened; what stands behind the last frame of a trace stays. */
export const withoutOwnFrames = (text: string): string =>
  text.includes(folder) ? text.replace(frames, '') : text
