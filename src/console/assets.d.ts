/** The files of the page, imported as text. */

declare module '*.css' {
  const text: string
  export default text
}

declare module '*.svg' {
  const text: string
  export default text
}

declare module '*/page/runs.js' {
  const text: string
  export default text
}

declare module '*/page/console.js' {
  const text: string
  export default text
}
