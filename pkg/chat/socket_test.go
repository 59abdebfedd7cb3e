package chat_test

import (
	"strings"
	"testing"

	"devinbox/pkg/chat"
)

func TestASocketIsTwoNumbersWithADotBetweenThem(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"1.2": true, "123456.7890123": true, "0.0": true, strings.Repeat("1", 20) + "." + strings.Repeat("2", 20): true,
		"": false, ".": false, "1": false, "1.": false, ".1": false, "1.2.3": false, " 1.2": false, "1.2\n": false, "-1.2": false,
		"a.b": false, "1,2": false, "٣.٤": false, "1.2:x": false, strings.Repeat("1", 21) + ".2": false, "1." + strings.Repeat("2", 21): false,
	} {
		mustBe(t, "a socket "+id, chat.ValidSocketID(id), want)
		given := id
		if !want {
			id = ""
		}
		w := newWorld()
		if _, err := w.Send(t.Context(), grace, chat.Draft{Body: "Hello", SocketID: &given}); err != nil {
			t.Errorf("%q: a malformed socket spoils a send: %v", given, err)
		}
		if _, err := w.MarkRead(t.Context(), ada, chat.ReadMark{ClientID: pointer("42"), UpToSeq: pointer[int64](1), SocketID: &given}); err != nil {
			t.Errorf("%q: a malformed socket spoils a read mark: %v", given, err)
		}
		mustBe(t, "the sender's socket", w.store.sends[0].ExceptSocket, id)
		mustBe(t, "the reader's socket", w.store.reads[0].ExceptSocket, id)
		for _, e := range w.publisher.published {
			mustBe(t, "whom an event is kept from", e.ExceptSocket, id)
		}
	}
}
