package realtime_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

const socket = "1234.1234"

var (
	grace = chat.Identity{ID: "42", Role: chat.Client, Name: "Grace", Email: "grace@example.com"}
	ada   = chat.Identity{ID: "ada", Role: chat.Developer, Name: "Ada", Email: "ada@example.com"}
)

// app returns a publisher in a mode, for tests that publish nothing.
func app(t testing.TB, mode realtime.Channels) (*realtime.Publisher, *journal) {
	t.Helper()
	o, log := options(t, "https://localhost")
	o.Channels = mode
	return realtime.New(o), log
}

// members reads the answer of an authorisation, which is a flat object of strings.
func members(t testing.TB, answer []byte) map[string]string {
	t.Helper()
	var m map[string]string
	if err := json.Unmarshal(answer, &m); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return m
}

func TestAClientListensToItsOwnConversationAndADeveloperToAll(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode     realtime.Channels
		who      chat.Identity
		channels string // those of the channels below that are allowed
	}{
		{realtime.Private, grace, "private-client-42"},
		{realtime.Private, ada, "private-client-42 private-client-43 private-developer-inbox"},
		{realtime.Private, chat.Identity{ID: "developer-inbox", Role: chat.Client}, ""},
		{realtime.Private, chat.Identity{}, ""},
		{realtime.Private, chat.Identity{ID: "42", Role: "admin"}, ""},
		{realtime.Presence, grace, "presence-client-42"},
		{realtime.Presence, ada, "presence-client-42 presence-client-43 private-developer-inbox"},
		{realtime.Presence, chat.Identity{Role: chat.Developer}, ""},
		{realtime.Public, grace, ""},
		{realtime.Public, ada, ""},
	} {
		p, log := app(t, test.mode)
		for _, channel := range []string{
			"private-client-42", "private-client-43", "private-developer-inbox", "presence-client-42", "presence-client-43",
			"presence-developer-inbox", "client-42", "client-43", "developer-inbox", "private-client-", "private-encrypted-client-42",
		} {
			answer, err := p.Authorize(test.who, socket, channel)
			if open := slices.Contains(strings.Fields(test.channels), channel); open && err == nil {
				if text := socket + ":" + channel; test.mode == realtime.Private && members(t, answer)["auth"] != key+":"+sign(text) {
					t.Errorf("%s: signed %s", channel, answer)
				}
			} else if open || chat.KindOf(err) != chat.Forbidden || answer != nil {
				t.Errorf("mode %d, %s to %q: %s, %v", test.mode, channel, test.who.ID, answer, err)
			}
		}
		if log.String() != "" {
			t.Errorf("authorising is logged: %s", log)
		}
	}
}

func TestARefusalTellsNothing(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Private)
	for _, channel := range []string{"private-client-43", "private-developer-inbox", "nonsense", "client-42"} {
		if _, err := p.Authorize(grace, socket, channel); err != error(chat.ErrNotYours) {
			t.Errorf("%s: %v", channel, err)
		}
	}
}

// The library's signature of each of these names would be valid for something else, or for anything.
func TestANameIsNeverSignedAsSomethingElse(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		p, _ := app(t, mode)
		for _, channel := range []string{
			`:user::{"id":"12345"}`, `:user::{"id":"d:ada"}`, `presence-client-42:{"user_id":"d:ada"}`, `private-client-42:{"user_id":"d:ada"}`,
			`presence-developer-inbox:{"user_id":"developer"}`, "#server-to-user-d:ada", strings.Repeat("a", 5000), "private-client-" + strings.Repeat("4", 5000),
			"private-client-42\n", "\n", " ", "private-client-42&channel_name=private-client-43", "private-client-42&socket_id=1.1", "private-client-42%00",
		} {
			for _, who := range []chat.Identity{grace, ada} {
				if answer, err := p.Authorize(who, socket, channel); chat.KindOf(err) != chat.Forbidden || answer != nil {
					t.Errorf("%.50q: %s, %v", channel, answer, err)
				}
			}
		}
	}
}

func TestMalformedParametersAreInvalidByName(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Private)
	blames := func(err error, field string) {
		t.Helper()
		if e, ok := err.(*chat.Error); !ok || e.Kind != chat.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != field {
			t.Errorf("%v does not blame %s", err, field)
		}
	}
	for _, id := range []string{
		"", "1", "1.", ".1", "1.2.3", "1.2\n", " 1.2", "-1.2", "a.b", "1.2:private-client-43", "1.2&socket_id=3.4", "٣.٤",
		strings.Repeat("1", 21) + ".1", "1." + strings.Repeat("1", 21),
	} {
		_, err := p.Authorize(grace, id, "private-client-42")
		blames(err, "socket_id")
		_, err = p.SignIn(grace, id)
		blames(err, "socket_id")
	}
	_, err := p.Authorize(grace, socket, "")
	blames(err, "channel_name")
}

func TestAMemberIsDescribedByItsIdentityAlone(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Presence)
	for who, want := range map[chat.Identity]string{
		grace:                            `{"user_id":"c:42","user_info":{"name":"Grace","role":"client"}}`,
		ada:                              `{"user_id":"d:ada","user_info":{"name":"Ada","role":"developer"}}`,
		{ID: "42", Role: chat.Developer}: `{"user_id":"d:42","user_info":{"role":"developer"}}`,
	} {
		answer, err := p.Authorize(who, socket, "presence-client-42")
		if err != nil {
			t.Fatal(err)
		}
		got := members(t, answer)
		if len(got) != 2 || got["channel_data"] != want || got["auth"] != key+":"+sign(socket+":presence-client-42:"+want) {
			t.Errorf("%s, want %s", answer, want)
		}
	}
	answer, err := p.Authorize(ada, socket, "private-developer-inbox")
	if got := members(t, answer); err != nil || len(got) != 1 || got["auth"] != key+":"+sign(socket+":private-developer-inbox") {
		t.Errorf("the inbox: %s, %v", answer, err)
	}
}

func TestASignInTellsTheTwoSidesApart(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		p, _ := app(t, mode)
		for who, want := range map[chat.Identity]string{
			grace: `{"id":"c:42","user_info":{"name":"Grace","role":"client"}}`,
			ada:   `{"id":"d:ada","user_info":{"name":"Ada","role":"developer"}}`,
		} {
			answer, err := p.SignIn(who, socket)
			if err != nil {
				t.Fatal(err)
			}
			got := members(t, answer)
			if len(got) != 2 || got["user_data"] != want || got["auth"] != key+":"+sign(socket+"::user::"+want) {
				t.Errorf("%s, want %s", answer, want)
			}
		}
		for _, nobody := range []chat.Identity{{}, {ID: "42"}, {Role: chat.Client}, {ID: "42", Role: "admin"}} {
			if answer, err := p.SignIn(nobody, socket); err != error(chat.ErrNotYours) || answer != nil {
				t.Errorf("%+v: %s, %v", nobody, answer, err)
			}
		}
	}
}

func TestADescriptionStaysWithinPushersKilobyte(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Presence)
	for _, piece := range []string{"a", "<", "\u2028", "😀", `"`, "é"} {
		for _, id := range []string{"ada", strings.Repeat("<", 120), strings.Repeat(`"`, 120)} {
			who := chat.Identity{ID: id, Role: chat.Developer, Name: strings.Repeat(piece, 120)}
			answer, err := p.Authorize(who, socket, "presence-client-42")
			if err != nil {
				t.Fatal(err)
			}
			data := members(t, answer)["channel_data"]
			var user struct {
				ID   string            `json:"user_id"`
				Info map[string]string `json:"user_info"`
			}
			if err := json.Unmarshal([]byte(data), &user); err != nil {
				t.Fatal(err)
			}
			name := user.Info["name"]
			if len(data) > 1024 || len(user.ID) > 128 || user.ID != "d:"+id || user.Info["role"] != "developer" || !strings.HasPrefix(who.Name, name) {
				t.Errorf("%q × 120, id %.3q…: %d bytes, %v", piece, id, len(data), slices.Collect(maps.Keys(user.Info)))
			}
			if room := 1024 - len(data); name != who.Name && (room >= 12 || strings.Contains(name, "\ufffd")) {
				t.Errorf("%q × 120, id %.3q…: the name is cut to %q with %d bytes to spare", piece, id, name, room)
			}
		}
	}
}

func TestWithoutPusherNothingIsSigned(t *testing.T) {
	t.Parallel()
	for _, p := range []*realtime.Publisher{
		realtime.New(realtime.Options{}),
		realtime.New(realtime.Options{AppID: appID, Key: key, Cluster: "eu"}),
	} {
		if answer, err := p.Authorize(grace, socket, "private-client-42"); chat.KindOf(err) != chat.Unavailable || answer != nil {
			t.Errorf("%s, %v", answer, err)
		}
		if answer, err := p.SignIn(grace, socket); chat.KindOf(err) != chat.Unavailable || answer != nil {
			t.Errorf("%s, %v", answer, err)
		}
		if _, err := p.Authorize(grace, socket, "private-client-43"); chat.KindOf(err) != chat.Forbidden {
			t.Errorf("another's: %v", err)
		}
		if _, err := p.Authorize(grace, "", "private-client-42"); chat.KindOf(err) != chat.Invalid {
			t.Errorf("malformed: %v", err)
		}
	}
}

func FuzzTheSignedNamesAreTheAllowedOnes(f *testing.F) {
	for _, seed := range []string{
		"private-client-42", "presence-client-42", "private-client-43", "private-developer-inbox", `:user::{"id":"x"}`, "private-client-=34=32", "",
	} {
		f.Add(socket, seed)
	}
	f.Add("1.1:private-client-43", "private-client-42")
	f.Fuzz(func(t *testing.T, socket, channel string) {
		for mode, want := range map[realtime.Channels]string{realtime.Private: "private-client-42", realtime.Presence: "presence-client-42", realtime.Public: ""} {
			p, _ := app(t, mode)
			answer, err := p.Authorize(grace, socket, channel)
			if err != nil {
				continue
			}
			text := socket + ":" + channel
			if data, ok := members(t, answer)["channel_data"]; ok {
				text += ":" + data
			}
			if channel != want || strings.Count(socket, ".") != 1 || members(t, answer)["auth"] != fmt.Sprintf("%s:%s", key, sign(text)) {
				t.Errorf("%q on %q is signed: %s", channel, socket, answer)
			}
		}
	})
}
