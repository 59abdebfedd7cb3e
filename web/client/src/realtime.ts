import type PusherLibrary from "pusher-js";
import type { Http } from "./http.js";
import { insist, pause } from "./patience.js";
import type { ChatOptions, Session } from "./types.js";

/** After how long a connection that was refused for good, or switched off, is tried again, in milliseconds. */
const RECHECK = 60_000;

/** The one connection to Pusher of a Chat. */
export interface Realtime {
  /** The library's own, while there is one. */
  pusher(): PusherLibrary | undefined;
  /** Of the present connection, to be named in requests so that it hears no echo. */
  socketId(): string | undefined;
  /** Whether nothing will come before long, so that it is no use to wait. */
  isRefused(): boolean;
  open(): void;
  close(): void;
}

/** Makes a {@link Realtime}. `changed` is told when anything that it says may be another by now. */
export function createRealtime(
  http: Http,
  session: (fresh?: boolean) => Promise<Session>,
  load: NonNullable<ChatOptions["loadPusher"]>,
  changed: () => void,
): Realtime {
  let pusher: PusherLibrary | undefined;
  let refused = false;
  let epoch = 0; // of the connection: what was begun in an earlier one comes to nothing

  async function open(fresh?: boolean) {
    close();
    const mine = epoch;
    const isCurrent = () => mine === epoch;

    async function refuse() {
      refused = true;
      changed();
      await pause(RECHECK * (1 - Math.random() / 4));
      if (!isCurrent() || !refused) return;
      if (pusher) pusher.connect();
      else open(true);
    }

    try {
      const { enabled, key, authEndpoint, ...where } = (await session(fresh)).realtime;
      const Library = enabled && (await load());
      if (!isCurrent()) return;
      if (!Library) return refuse();

      // pusher-js asks once, and not again where that fails; for a sign-in without a channel. The answer is good for one connection only.
      const customHandler = (asked: { socketId: string; channelName?: string }, done: (error: Error | null, answer: any) => void) => {
        const { socketId: socket_id, channelName: channel_name } = asked;
        const isWanted = () => isCurrent() && pusher?.connection.socket_id === socket_id;
        insist(() => http("POST", authEndpoint, { socket_id, channel_name }), isWanted).then(
          (answer) => isWanted() && done(null, answer),
          (error) => isWanted() && done(error, null),
        );
      };
      pusher = new Library(key, {
        ...where,
        wssPort: where.wsPort,
        enabledTransports: ["ws"],
        activityTimeout: 30_000, // a connection that died silently is noticed after a minute; pings are free
        channelAuthorization: { customHandler },
        userAuthentication: { customHandler },
      });
      pusher.connection.bind("state_change", ({ current }: { current: string }) => {
        refused = false;
        if (current === "disconnected" || current === "failed") refuse();
        else changed();
      });
      pusher.signin(); // so that the server can cut this user's connections
      changed();
    } catch {
      if (isCurrent()) refuse();
    }
  }

  function close() {
    epoch++;
    refused = false;
    pusher?.connection.unbind();
    pusher?.disconnect();
    pusher = undefined;
  }

  return {
    pusher: () => pusher,
    socketId: () => pusher?.connection.socket_id,
    isRefused: () => refused,
    open,
    close,
  };
}
