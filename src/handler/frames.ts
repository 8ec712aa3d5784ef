/**
 * Leaves the frames of this program out of the traces of a function's errors. An error that is thrown before the
 * handler's first `await` has half a dozen of them below those of the function, where they only hide what was asked for.
 */

interface Own {
  readonly folder: string
  readonly frames: RegExp
}

/** Made when the first error is told: a cold start should not pay for it. */
let own: Own | undefined

function recognise(): Own {
  // of our modules as it stands in a trace: of the source, or within the compiled program
  const folder = (new Error().stack ?? '').match(/(\/[^\n]*)\/[^/\n]+:\d+:\d+/)?.[1] ?? '/$bunfs/root'
  const ours = `\\n\\s+at [^\\n]*?${RegExp.escape(folder)}/[^\\n]*?:\\d+:\\d+\\)?`
  // Bun's own functions between two of ours
  const native = '\\n\\s+at [^\\n]*?\\(native:\\d+:\\d+\\)'
  return { folder, frames: new RegExp(`${ours}(?:${native}|${ours})*`, 'g') }
}

/** A text with its traces shortened; what stands behind the last frame of a trace stays. */
export function withoutOwnFrames(text: string): string {
  if (!text.includes('\n')) return text
  own ??= recognise()
  return text.includes(own.folder) ? text.replace(own.frames, '') : text
}
