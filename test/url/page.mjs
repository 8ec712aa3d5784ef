// The page that every framework serves; it reads the stream as a browser does.
export const page = `<!doctype html>
<meta charset="utf-8">
<title>Function URL</title>
<h1>Größe</h1>
<ol id="events"></ol>
<script>
  window.arrivals = []
  window.follow = () => new Promise((resolve, reject) => {
    const source = new EventSource('/events')
    source.onmessage = ({ data }) => {
      window.arrivals.push(performance.now())
      const item = document.createElement('li')
      item.textContent = data
      document.querySelector('#events').append(item)
      if (window.arrivals.length === 3) { source.close(); resolve() }
    }
    source.onerror = () => { source.close(); reject(new Error('the stream broke off')) }
  })
</script>
`
