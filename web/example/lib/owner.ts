// The words of whoever owns the chat: put your own here.

/** Who answers, as it stands in a sentence. */
export const team = "the developers";

/** What a client reads before anybody has written. */
export const greeting = "Hello! Ask us anything about the product: a developer answers you here.";
