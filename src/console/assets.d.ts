/** The files of the page, imported as text. */

declare module '*.css' {
  const text: string
  export default text
}

declare module '*.svg' {
  const text: string
  export default text
}

declare module '*/page/console.js' {
  const text: string
  export default text
}

declare module '*/page/console/elements.js' {
  const text: string
  export default text
}

declare module '*/page/console/invocation.js' {
  const text: string
  export default text
}

declare module '*/page/console/list.js' {
  const text: string
  export default text
}

declare module '*/page/console/log.js' {
  const text: string
  export default text
}

declare module '*/page/runs.js' {
  const text: string
  export default text
}

declare module '*/page/console/ways.js' {
  const text: string
  export default text
}
