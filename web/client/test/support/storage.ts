import type { ChatStorage } from "../../src/index.js";

/** localStorage, as a Map. Several Chats can share it, as tabs do. */
export class MapStorage implements ChatStorage {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}
