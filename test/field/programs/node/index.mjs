/** Functions that ask Powertools for the metadata of their environment, and OpenTelemetry for what it detects. */

import { getMetadata } from '@aws-lambda-powertools/commons/utils/metadata'
import { awsLambdaDetector } from '@opentelemetry/resource-detector-aws'

export const metadata = async () => await getMetadata()

export const resource = async () => (await awsLambdaDetector.detect()).attributes ?? null
