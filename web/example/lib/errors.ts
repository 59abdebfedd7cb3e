import { ChatError } from "@devinbox/client";
import { mostCharacters } from "./length";

/** What a rule asks for, by the field that breaks it. The server's own words are for a developer. */
const fields: Readonly<Record<string, string>> = {
  body: `A message has at most ${mostCharacters.toLocaleString()} characters, and nothing that cannot be written.`,
  clientId: "There can be no client of that id.",
  clientName: "A name has at most 120 characters.",
  fileName: "The name of the file is too long, or has something in it that cannot be written. Give it another one.",
  q: "Search for a little more.",
};

const unacceptable = "This cannot be accepted as it is.";

/** An error in words for the person in front of the screen. */
export function errorText(error: unknown): string {
  if (!(error instanceof ChatError)) return "Something went wrong. Please try again.";
  switch (error.code) {
    case "unauthorized":
    case "signed_out":
      return "You are signed out. Sign in again, then reload this page.";
    case "token":
      return "Your sign-in could not be renewed. If this stays, sign in again and reload this page.";
    case "identity_changed":
      return "Somebody else has signed in. Reload this page.";
    case "network":
      return "No answer came. Are you offline?";
    case "misconfigured":
      return "There is no chat at this address.";
    case "file_missing":
      return "This file was not kept. Choose it again.";
    case "file_unreadable":
      return "This file is gone, or has changed since it was chosen. Choose it again.";
    case "file_too_large":
      return "This file is too large.";
    case "file_empty":
      return "There is nothing in this file.";
    case "too_many_files":
      return "These are more files than a message takes.";
    case "store":
      return "The file could not be stored.";
    case "files_off":
      return "No files can be sent here.";
    case "expired":
      return "It could not be sent within a day.";
    case "payload_too_large":
      return "This is too much for one message.";
    case "invalid_request":
      return unacceptable;
    case "forbidden":
      return "You are not allowed to do this.";
    case "not_found":
      return "This is not there any more.";
    case "conflict":
      return "This has changed in the meantime.";
    case "rate_limited":
      return error.retryAfter
        ? `That was too fast. Please wait ${error.retryAfter} seconds.`
        : "That was too fast. Please wait a moment.";
    case "validation_failed":
      return (
        error.fields
          .map(({ field }) => fields[field] ?? "")
          .join(" ")
          .trim() || unacceptable
      );
    default:
      return "The chat does not answer. Please try again in a moment.";
  }
}
