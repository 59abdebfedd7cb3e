package chat_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"devinbox/pkg/chat"
)

func TestTheInboxIsTheDevelopersOnly(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, who := range []chat.Identity{grace, nobody, {ID: "ada"}} {
		if _, err := w.Inbox(t.Context(), who, chat.InboxQuery{Limit: 30}); err != error(chat.ErrNotYours) {
			t.Errorf("%+v: %v", who, err)
		}
	}
	mustBe(t, "the trace", w.trace.take(), "")

	page, err := w.Inbox(t.Context(), ada, chat.InboxQuery{Limit: 30, Unassigned: true})
	if err != nil || len(page.Conversations) != 2 || w.store.inbox[0] != (chat.InboxQuery{Limit: 30, Unassigned: true}) {
		t.Errorf("%+v, %v, asked as %+v", page, err, w.store.inbox)
	}
	for _, c := range page.Conversations {
		mustBe(t, "the channel", c.Channel, "channel of "+c.ClientID)
	}

	w.store.fail["ListConversations"] = errors.New("a failure")
	if page, err := w.Inbox(t.Context(), ada, chat.InboxQuery{}); err != w.store.fail["ListConversations"] || page.Conversations != nil {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestACursorIsReadBackToTheMicrosecond(t *testing.T) {
	t.Parallel()
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(first.UnixMicro(), last.UnixMicro()).Draw(t, "at"))
		id := rapid.StringN(1, 120, 120).Filter(chat.ValidID).Draw(t, "id")
		text, err := chat.InboxCursor{LastMessageAt: at, ClientID: id}.MarshalText()
		back, ok := chat.ParseInboxCursor(string(text))
		if err != nil || !ok || !back.LastMessageAt.Equal(at) || back.ClientID != id {
			t.Errorf("%s: %+v, %v, %v", text, back, ok, err)
		}
	})
}

func TestNothingButACursorIsReadAsOne(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	good := encode([]byte("1700000000000000:42"))
	if c, ok := chat.ParseInboxCursor(good); !ok || c.ClientID != "42" || !c.LastMessageAt.Equal(time.Unix(1_700_000_000, 0)) {
		t.Errorf("%+v, %v", c, ok)
	}
	for name, text := range map[string]string{
		"nothing":              "",
		"a line break inside":  good[:4] + "\n" + good[4:],
		"a line break at last": good + "\r\n",
		"padding":              base64.URLEncoding.EncodeToString([]byte("170000000000000:42")) + "=",
		"stray bits":           encode([]byte("1700000000000000:4"))[:23] + "B",
		"the other alphabet":   base64.RawStdEncoding.EncodeToString([]byte("1700000000000000:\u00ff\u00ff?>")),
		"no colon":             encode([]byte("1700000000000000")),
		"no id":                encode([]byte("1700000000000000:")),
		"no time":              encode([]byte(":42")),
		"a signed time":        encode([]byte("+1700000000000000:42")),
		"a padded time":        encode([]byte("01700000000000000:42")),
		"minus nothing":        encode([]byte("-0:42")),
		"a time with a space":  encode([]byte("1700000000000000 :42")),
		"a time out of range":  encode([]byte("9223372036854775808:42")),
		"the largest time":     encode([]byte("9223372036854775807:42")),
		"the smallest time":    encode([]byte("-9223372036854775808:42")),
		"the year 10000":       encode([]byte("253402300800000000:42")),
		"the year 0":           encode([]byte("-62135596800000001:42")),
		"an impossible id":     encode([]byte("1700000000000000:4\x002")),
		"an id too long":       encode([]byte("1700000000000000:" + strings.Repeat("a", 121))),
		"an id not in UTF-8":   encode([]byte("1700000000000000:\xff")),
	} {
		if c, ok := chat.ParseInboxCursor(text); ok || c != (chat.InboxCursor{}) {
			t.Errorf("%s is read as %+v", name, c)
		}
	}
}

func TestACursorIsATextInJSON(t *testing.T) {
	t.Parallel()
	page := chat.InboxPage{NextCursor: &chat.InboxCursor{LastMessageAt: time.UnixMicro(1), ClientID: "42"}}
	data, err := json.Marshal(page)
	if err != nil || !strings.Contains(string(data), `"nextCursor":"MTo0Mg"`) {
		t.Errorf("%s, %v", data, err)
	}
}

func FuzzACursorHasOneSpelling(f *testing.F) {
	for _, seed := range []string{"", "MTo0Mg", "MTo0Mg==", "MTo0\nMg", "MTo0Mh", "LTA6NDI", "OTIyMzM3MjAzNjg1NDc3NTgwNzo0Mg"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := chat.ParseInboxCursor(text)
		if !ok {
			if c != (chat.InboxCursor{}) {
				t.Errorf("%q is refused and gives %+v", text, c)
			}
			return
		}
		if again, err := c.MarshalText(); err != nil || string(again) != text {
			t.Errorf("%q is written again as %q, %v", text, again, err)
		}
		if y := c.LastMessageAt.Year(); !chat.ValidID(c.ClientID) || y < 1 || y > 9999 {
			t.Errorf("%q is read as %+v", text, c)
		}
	})
}
