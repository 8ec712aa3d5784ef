/**
 * What a good runtime and a good extension do, with the points at which a trap may spring. A trap is a fault that
 * waits for its point: it acts on the process in that very moment, and says whether the script goes on.
 */
import { type Answer, header, message } from './http.ts'
import { type Channel, Gone, type Puppet } from './puppet.ts'

export const runtimePath = '/2018-06-01/runtime'
export const extensionPath = '/2020-01-01/extension'
export const nextRequest: Buffer = message('GET', `${runtimePath}/invocation/next`)

export type RuntimePoint = 'start' | 'before-next' | 'polling' | 'event' | 'half' | 'sent' | 'answered'
export type ExtensionPoint = 'start' | 'before-register' | 'registered' | 'polling' | 'event' | 'shutdown'

export type Point = RuntimePoint | ExtensionPoint

/** Where a script is: what an act can reach. */
export interface Scene {
  readonly puppet: Puppet
  readonly point: Point
  channel: Channel
  /** parked beside the channel that the script reads: it gets the next event */
  spare: Channel | null
  readonly event: Answer | null
  /** of the invocation, or of the extension */
  readonly id: string
  /** it has polled when it should not have, so that a refusal is none of its end */
  overeager: boolean
}

/** How a script goes on: as if nothing had happened, not at all, or with the next poll: its event has been dealt with. */
export type Course = 'on' | 'end' | 'answered'

/** Called at every point. */
export type At = (scene: Scene) => Promise<Course>

export const postResponse = (
  id: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
  call = 'response',
): Buffer => message('POST', `${runtimePath}/invocation/${id}/${call}`, body, headers)

export async function playRuntime(puppet: Puppet, at: At): Promise<Scene> {
  let scene: Scene = {
    puppet,
    point: 'start',
    channel: undefined as unknown as Channel,
    spare: null,
    event: null,
    id: '',
    overeager: false,
  }
  const reach = async (point: Point, more: Partial<Scene> = {}): Promise<Course> => {
    scene = Object.assign(scene, more, { point })
    return at(scene)
  }
  try {
    if ((await reach('start')) === 'end') return scene
    scene.channel = puppet.open()
    if ((await reach('before-next')) === 'end') return scene
    for (;;) {
      if (scene.spare !== null) {
        scene.channel.close()
        scene.channel = scene.spare
        scene.spare = null
      } else scene.channel.send(nextRequest)
      if ((await reach('polling')) === 'end') return scene
      const event = await scene.channel.answer()
      if (event.status !== 200) {
        // refused: the environment has stopped, or is about to
        puppet.exit(3)
        return scene
      }
      const id = header(event, 'Lambda-Runtime-Aws-Request-Id') ?? ''
      let course = await reach('event', { event, id })
      if (course === 'end') return scene
      if (course === 'answered') continue
      const response = postResponse(id, event.body)
      const half = response.byteLength - Math.ceil(event.body.byteLength / 2)
      puppet.print(`line ${id}\n`)
      scene.channel.send(response.subarray(0, half))
      course = await reach('half')
      if (course === 'end') return scene
      if (course === 'answered') continue
      scene.channel.send(response.subarray(half))
      course = await reach('sent')
      if (course === 'end') return scene
      if (course === 'answered') continue
      await scene.channel.answer()
      if ((await reach('answered')) === 'end') return scene
    }
  } catch (error) {
    if (error instanceof Gone) return scene
    throw error
  }
}

export interface ExtensionSpec {
  readonly name: string
  readonly events: readonly string[]
}

export const registration = ({ name, events }: ExtensionSpec): Buffer =>
  message('POST', `${extensionPath}/register`, JSON.stringify({ events }), { 'Lambda-Extension-Name': name })

export const eventRequest = (id: string): Buffer =>
  message('GET', `${extensionPath}/event/next`, null, { 'Lambda-Extension-Identifier': id })

export async function playExtension(puppet: Puppet, spec: ExtensionSpec, at: At): Promise<Scene> {
  let scene: Scene = {
    puppet,
    point: 'start',
    channel: undefined as unknown as Channel,
    spare: null,
    event: null,
    id: '',
    overeager: false,
  }
  const reach = async (point: Point, more: Partial<Scene> = {}): Promise<Course> => {
    scene = Object.assign(scene, more, { point })
    return at(scene)
  }
  try {
    if ((await reach('start')) === 'end') return scene
    scene.channel = puppet.open()
    if ((await reach('before-register')) === 'end') return scene
    const registered = await scene.channel.ask(registration(spec))
    const id = header(registered, 'Lambda-Extension-Identifier') ?? ''
    if (registered.status !== 200) {
      puppet.exit(4)
      return scene
    }
    if ((await reach('registered', { id })) === 'end') return scene
    for (;;) {
      if (scene.spare !== null) {
        scene.channel.close()
        scene.channel = scene.spare
        scene.spare = null
      } else scene.channel.send(eventRequest(id))
      if ((await reach('polling')) === 'end') return scene
      const event = await scene.channel.answer()
      if (event.status !== 200 && scene.overeager) {
        scene.overeager = false
        continue
      }
      if (event.status !== 200) {
        puppet.exit(3)
        return scene
      }
      const type = (JSON.parse(event.body.toString()) as { eventType: string }).eventType
      if ((await reach(type === 'SHUTDOWN' ? 'shutdown' : 'event', { event })) === 'end') return scene
      if (type === 'SHUTDOWN') {
        puppet.exit(0)
        return scene
      }
    }
  } catch (error) {
    if (error instanceof Gone) return scene
    throw error
  }
}
