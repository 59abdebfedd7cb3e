import type { Core, EventMetadata } from "./core.js";
import type { ChannelName } from "./realtime.js";
import type { StoreScheduler } from "./scheduler.js";
import { SHOWN_FOR_MS } from "./typing.js";
import type { ConversationState } from "./types.js";

/** Where the other developers are shown, and what they listen on. */
export interface ViewersPlace {
  readonly scheduler: StoreScheduler;
  channelName: () => ChannelName;
  set: (change: Pick<ConversationState, "viewers" | "answering">) => void;
}

/** Keeps who else of the developers is on a presence channel, and which of them writes. Pusher vouches for both. */
export interface Viewers {
  /** Others are on the channel by now, or the channel is another. */
  update: () => void;
  /** Somebody is typing. */
  typed: (metadata?: EventMetadata) => void;
}

export function createViewers(core: Core, place: () => ViewersPlace): Viewers {
  const typedAt = new Map<string, number>();

  function update() {
    const { scheduler, channelName, set } = place();
    const me = core.session?.identity;
    if (me?.role !== "developer") return;
    const ids = core.realtime.members(channelName()).filter((id) => id.startsWith("d:") && id !== `d:${me.id}`);
    const viewers = ids.map((id) => id.slice(2)).sort();
    const answering = viewers.filter((id) => Date.now() - (typedAt.get(id) ?? 0) < SHOWN_FOR_MS);
    set({ viewers, answering });
    if (answering.length > 0) scheduler.start("answering", SHOWN_FOR_MS, update);
  }

  return {
    update,
    typed({ user_id: userId = "" } = {}) {
      typedAt.set(userId.slice(2), Date.now());
      place().scheduler.stop("answering");
      update();
    },
  };
}
