package realtime_test

import (
	"regexp"
	"strings"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

var modes = []realtime.Channels{realtime.Private, realtime.Presence, realtime.Public}

// allowed is Pusher's own rule for the name of a channel.
var allowed = regexp.MustCompile(`\A[-A-Za-z0-9_=@,.;]{1,164}\z`)

func TestAPlaceHasOneNameInEachMode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		place chat.Place
		want  [3]string
	}{
		{chat.Place{Inbox: true}, [3]string{"private-developer-inbox", "private-developer-inbox", "developer-inbox"}},
		{chat.Place{ClientID: "42"}, [3]string{"private-client-42", "presence-client-42", "client-42"}},
		{chat.Place{ClientID: "a_B@c,d.e;f-9"}, [3]string{"private-client-a_B@c,d.e;f-9", "presence-client-a_B@c,d.e;f-9", "client-a_B@c,d.e;f-9"}},
		{chat.Place{ClientID: "a=b"}, [3]string{"private-client-a=3Db", "presence-client-a=3Db", "client-a=3Db"}},
		{chat.Place{ClientID: "é /:\u2028"}, [3]string{"private-client-=C3=A9=20=2F=3A=E2=80=A8", "presence-client-=C3=A9=20=2F=3A=E2=80=A8", "client-=C3=A9=20=2F=3A=E2=80=A8"}},
	} {
		for i, mode := range modes {
			name := mode.Name(test.place)
			if name != test.want[i] || !allowed.MatchString(name) {
				t.Errorf("%+v: %q, want %q", test.place, name, test.want[i])
			}
			if back, ok := mode.Parse(name); !ok || back != test.place {
				t.Errorf("%q is read back as %+v, %v", name, back, ok)
			}
		}
	}
}

func TestNoOtherNameIsRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "private-", "private-client", "private-client-", "presence-client-", "client-",
		"private-developer-inbox-", "private-developer-inboxes", "presence-developer-inbox", "xprivate-client-42",
		"PRIVATE-client-42", "private-Client-42", "private-encrypted-client-42", "private-cache-client-42", "presence-cache-client-42",
		"#server-to-user-42", ":user::{\"id\":\"42\"}", "private-client-42:{}", "private-client-42\n", "\nprivate-client-42",
		"private-client-42 ", "private-client-é", "private-client-\x00", "private-client-4/2", "private-client-4%2",
		"private-client-=3d", "private-client-=41", "private-client-=", "private-client-=2", "private-client-42=", "private-client-==",
		"private-client-=+1", "private-client-=0x", "private-client-=GG", "private-client-=20=2",
		"private-client-=00", "private-client-=0A", "private-client-=7F", "private-client-=C2=80", // control characters
		"private-client-=FF", "private-client-=C3", "private-client-=ED=A0=80", // not UTF-8
		"private-client-" + strings.Repeat("a", 121), "private-client-" + strings.Repeat("a", 150), "private-client-" + strings.Repeat("=20", 50),
		strings.Repeat("a", 5000),
	} {
		for _, mode := range modes {
			if place, ok := mode.Parse(name); ok {
				t.Errorf("mode %d reads %q as %+v", mode, name, place)
			}
		}
	}
	for i, mode := range modes {
		for j, other := range modes {
			if _, ok := mode.Parse(other.Name(chat.Place{ClientID: "42"})); ok != (i == j) {
				t.Errorf("mode %d reads the name of mode %d: %v", i, j, ok)
			}
		}
	}
}

func TestANameHas164CharactersAtMost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id   string
		want [3]bool
	}{
		{strings.Repeat("a", 120), [3]bool{true, true, true}},
		{strings.Repeat(" ", 49) + "aa", [3]bool{true, false, true}},   // 149 characters
		{strings.Repeat(" ", 49) + "aaa", [3]bool{false, false, true}}, // 150
		{strings.Repeat(" ", 52) + "a", [3]bool{false, false, true}},   // 157
		{strings.Repeat(" ", 52) + "aa", [3]bool{false, false, false}}, // 158
		{strings.Repeat("😀", 30), [3]bool{false, false, false}},
	} {
		for i, mode := range modes {
			name := mode.Name(chat.Place{ClientID: test.id})
			if got := mode.Fits(test.id); got != test.want[i] || got != (len(name) <= realtime.MaxChannelName) {
				t.Errorf("mode %d, %d characters: %v, want %v", i, len(name), got, test.want[i])
			}
			if _, ok := mode.Parse(name); ok != test.want[i] {
				t.Errorf("mode %d, %d characters: read is %v, want %v", i, len(name), ok, test.want[i])
			}
		}
	}
}

func TestAModeHasAWord(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]realtime.Channels{"": realtime.Private, "private": realtime.Private, "presence": realtime.Presence, "public": realtime.Public} {
		if got, ok := realtime.ParseChannels(word); !ok || got != want {
			t.Errorf("%q: %v, %v", word, got, ok)
		}
	}
	for _, word := range []string{"Private", "encrypted", "private "} {
		if got, ok := realtime.ParseChannels(word); ok || got != realtime.Private {
			t.Errorf("%q: %v, %v", word, got, ok)
		}
	}
}

func FuzzOnlyNamesThatAreMadeAreRead(f *testing.F) {
	for _, seed := range []string{
		"private-client-42", "presence-client-=C3=A9", "client-a=3Db", "private-developer-inbox", "developer-inbox",
		`:user::{"id":"12345"}`, `presence-client-42:{"user_id":"admin"}`, "private-client-=3d", "#server-to-user-42", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, mode := range modes {
			place, ok := mode.Parse(name)
			if !ok {
				continue
			}
			if mode.Name(place) != name || !allowed.MatchString(name) {
				t.Errorf("mode %d reads %q as %+v, whose name is %q", mode, name, place, mode.Name(place))
			}
			if place.Inbox != (place.ClientID == "") || !place.Inbox && (!chat.ValidID(place.ClientID) || !mode.Fits(place.ClientID)) {
				t.Errorf("mode %d reads %q as %+v", mode, name, place)
			}
		}
	})
}

func FuzzEveryIDThatFitsIsReadBack(f *testing.F) {
	for _, seed := range []string{"42", "a=b", "é", "grace@example.com", "=3D", "\x7f", strings.Repeat(" ", 50)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		for _, mode := range modes {
			want := chat.Place{ClientID: id}
			place, ok := mode.Parse(mode.Name(want))
			if ok != (chat.ValidID(id) && mode.Fits(id)) || ok && place != want {
				t.Errorf("mode %d reads the name of %q as %+v, %v", mode, id, place, ok)
			}
		}
	})
}
