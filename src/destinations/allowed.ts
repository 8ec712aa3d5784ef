/** What a destination may be, in words: apart from what reads one, which few starts need. */
export const destinationsAllowed =
  'file:PATH, an address as http://localhost:3000/failed, or the name or ARN of another function of this emulator'
