// The function of images without a runtime client.
export const handler = async (event, context) => ({
  message: 'Hello from JavaScript!',
  event,
  arn: context.invokedFunctionArn,
})
