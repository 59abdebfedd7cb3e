package postgres

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"devinbox/pkg/chat"
)

func TestACursorIsReadBackToTheMicrosecond(t *testing.T) {
	t.Parallel()
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(first.UnixMicro(), last.UnixMicro()).Draw(t, "at"))
		id := rapid.StringN(1, 120, 120).Filter(chat.ValidID).Draw(t, "id")
		text := inboxCursor{at, id}.text()
		back, ok := parseInboxCursor(text)
		if !ok || !back.lastMessageAt.Equal(at) || back.clientID != id {
			t.Errorf("%s: %+v, %v", text, back, ok)
		}
		text = changesCursor{id}.text()
		if back, ok := parseChangesCursor(text); !ok || back.clientID != id {
			t.Errorf("%s: %+v, %v", text, back, ok)
		}
		token := syncToken{rapid.Int64().Draw(t, "server"), uint64(rapid.Int64Range(0, math.MaxInt64).Draw(t, "xid"))}
		if back, ok := parseSyncToken(token.text()); !ok || back != token {
			t.Errorf("%s: %+v, %v", token.text(), back, ok)
		}
	})
}

func TestNothingButACursorIsReadAsOne(t *testing.T) {
	t.Parallel()
	encode := base64.RawURLEncoding.EncodeToString
	good := encode([]byte("1700000000000000:42"))
	if c, ok := parseInboxCursor(good); !ok || c.clientID != "42" || !c.lastMessageAt.Equal(time.Unix(1_700_000_000, 0)) {
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
		if c, ok := parseInboxCursor(text); ok {
			t.Errorf("%s is read as %+v", name, c)
		}
	}
}

func TestTheThreeTextsAreNotTakenForEachOther(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(1)
	if _, ok := parseInboxCursor(changesCursor{"42"}.text()); ok {
		t.Error("a cursor of changes is read as one of the inbox")
	}
	if _, ok := parseChangesCursor(inboxCursor{at, "42"}.text()); ok {
		t.Error("a cursor of the inbox is read as one of changes")
	}
	if _, ok := parseSyncToken(inboxCursor{at, "a"}.text()); ok {
		t.Error("a cursor is read as a token")
	}
	for _, text := range []string{"", "x", opaque("1", ""), opaque("", "1"), opaque("1", "-1"), opaque("1", "9223372036854775808"), opaque("01", "1")} {
		if _, ok := parseSyncToken(text); ok {
			t.Errorf("%q is read as a token", text)
		}
	}
}

func FuzzACursorHasOneSpelling(f *testing.F) {
	for _, seed := range []string{"", "MTo0Mg", "MTo0Mg==", "MTo0\nMg", "MTo0Mh", "LTA6NDI", "OTIyMzM3MjAzNjg1NDc3NTgwNzo0Mg"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := parseInboxCursor(text)
		if !ok {
			return
		}
		if again := c.text(); again != text {
			t.Errorf("%q is written again as %q", text, again)
		}
		if y := c.lastMessageAt.Year(); !chat.ValidID(c.clientID) || y < 1 || y > 9999 {
			t.Errorf("%q is read as %+v", text, c)
		}
	})
}
