// The function of the documentation, for Node.
export const handler = async (event) => ({ message: 'Hello from Node!', event })
