package realtime_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"devinbox/pkg/chat"
	"devinbox/pkg/realtime"
)

// hookOf returns the body of a webhook with the time moment.
func hookOf(events ...string) []byte {
	return fmt.Appendf(nil, `{"time_ms":%d,"events":[%s]}`, moment.UnixMilli(), strings.Join(events, ","))
}

// member returns an event of a webhook.
func member(what, channel, user string) string {
	return fmt.Sprintf(`{"name":"member_%s","channel":%q,"user_id":%q}`, what, channel, user)
}

func TestAWebhookTellsWhichClientsCameAndWent(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Presence)
	at := moment.Time
	online := func(id string) chat.Presence { return chat.Presence{ClientID: id, Online: true, At: at} }
	offline := func(id string) chat.Presence { return chat.Presence{ClientID: id, At: at} }
	for name, test := range map[string]struct {
		events []string
		want   []chat.Presence
	}{
		"nothing":             {nil, nil},
		"one came":            {[]string{member("added", "presence-client-42", "c:42")}, []chat.Presence{online("42")}},
		"one went":            {[]string{member("removed", "presence-client-42", "c:42")}, []chat.Presence{offline("42")}},
		"an id with escapes":  {[]string{member("added", "presence-client-=C3=A9=3Db", "c:é=b")}, []chat.Presence{online("é=b")}},
		"two":                 {[]string{member("added", "presence-client-42", "c:42"), member("removed", "presence-client-43", "c:43")}, []chat.Presence{online("42"), offline("43")}},
		"came and went":       {[]string{member("added", "presence-client-42", "c:42"), member("removed", "presence-client-42", "c:42")}, []chat.Presence{offline("42")}},
		"went and came":       {[]string{member("removed", "presence-client-42", "c:42"), member("added", "presence-client-43", "c:43"), member("added", "presence-client-42", "c:42")}, []chat.Presence{online("42"), online("43")}},
		"a developer":         {[]string{member("added", "presence-client-42", "d:ada"), member("removed", "presence-client-42", "d:42")}, nil},
		"another client":      {[]string{member("added", "presence-client-42", "c:43")}, nil},
		"no prefix":           {[]string{member("added", "presence-client-42", "42")}, nil},
		"nobody in the inbox": {[]string{member("added", "private-developer-inbox", ""), member("added", "presence-developer-inbox", "c:developer-inbox")}, nil},
		"nobody":              {[]string{member("added", "presence-client-", "c:"), member("added", "presence-client-42", "")}, nil},
		"another channel":     {[]string{member("added", "private-client-42", "c:42"), member("added", "client-42", "c:42"), member("added", "presence-room", "c:room")}, nil},
		"another spelling":    {[]string{member("added", "presence-client-=34", "c:4"), member("added", "presence-client-=c3=a9", "c:é")}, nil},
		"other events": {[]string{
			`{"name":"channel_occupied","channel":"presence-client-42"}`,
			`{"name":"channel_vacated","channel":"presence-client-42","user_id":"c:42"}`,
			`{"name":"client_event","channel":"presence-client-42","event":"client-typing","data":"{}","socket_id":"1.2","user_id":"c:42"}`,
			`{"name":"subscription_count","channel":"private-client-42","subscription_count":2}`,
			`{"name":"cache_miss","channel":"cache-x"}`,
			`{"name":"member_added"}`, `{}`,
		}, nil},
		"what spoils the library's reader": {[]string{
			`{"name":"client_event","channel":"private-encrypted-x","data":{"a":[1]}}`,
			`{"name":"client_event","channel":"presence-x","data":"\ud800","user_id":7}`,
			`{"name":"member_added","channel":"presence-client-42","user_id":42}`,
			`{"name":"member_added","channel":"presence-client-42","user_id":{"c:42":[]}}`,
			member("added", "presence-client-43", "c:43"),
		}, []chat.Presence{online("43")}},
	} {
		body := hookOf(test.events...)
		got, err := p.Webhook(key, sign(string(body)), body, at)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, test.want)
		}
	}
}

func TestOnlyPresenceTellsWhoIsThere(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		p, log := app(t, mode)
		body := hookOf(member("added", mode.Name(chat.Place{ClientID: "42"}), "c:42"))
		got, err := p.Webhook(key, sign(string(body)), body, moment.Time)
		if err != nil || len(got) == 1 != (mode == realtime.Presence) {
			t.Errorf("mode %d: %v, %v", mode, got, err)
		}
		if log.String() != "" {
			t.Errorf("log: %s", log)
		}
	}
}

func TestTheWebhookOfPushersOwnExampleIsVerified(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Presence)
	body := []byte(`{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`)
	got, err := p.Webhook(key, "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf", body, time.UnixMilli(1327078148132))
	if err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAWebhookThatIsNotPushersIsRefusedUnread(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Presence)
	body := hookOf(member("added", "presence-client-42", "c:42"))
	good := sign(string(body))
	for name, test := range map[string]struct {
		key, signature string
		body           []byte
	}{
		"no key":                {"", good, body},
		"another key":           {"another", good, body},
		"a key with a space":    {key + " ", good, body},
		"no signature":          {key, "", body},
		"half of it":            {key, good[:32], body},
		"more than it":          {key, good + "00", body},
		"not hexadecimal":       {key, strings.Repeat("z", 64), body},
		"of another text":       {key, sign("another"), body},
		"a bit of it":           {key, strings.Replace(good, good[:1], string("0123456789abcdef0"[strings.IndexByte("0123456789abcdef", good[0])+1]), 1), body},
		"a byte more":           {key, good, append(slices.Clone(body), '\n')},
		"another body":          {key, good, hookOf(member("added", "presence-client-43", "c:43"))},
		"no body":               {key, good, nil},
		"the secret's own name": {key, secret, body},
		"not JSON, not signed":  {key, good, []byte("{")},
	} {
		got, err := p.Webhook(test.key, test.signature, test.body, moment.Time)
		if chat.KindOf(err) != chat.Unauthorized || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		for _, word := range []string{secret, key, good, "c:42"} {
			if strings.Contains(fmt.Sprint(err), word) {
				t.Errorf("%s: the error tells %s", name, word)
			}
		}
	}
}

func TestAWebhookIsOfNow(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Presence)
	body := hookOf(member("added", "presence-client-42", "c:42"))
	for age, want := range map[time.Duration]bool{
		0: true, time.Minute: true, 10 * time.Minute: true, 10*time.Minute + time.Millisecond: false, 24 * time.Hour: false,
		-time.Minute: true, -time.Minute - time.Millisecond: false, -24 * time.Hour: false,
	} {
		got, err := p.Webhook(key, sign(string(body)), body, moment.Add(age))
		if want != (err == nil) || want != (len(got) == 1) || err != nil && chat.KindOf(err) != chat.Unauthorized {
			t.Errorf("%v old: %v, %v", age, got, err)
		}
	}
	for _, ms := range []string{"0", "-1", "9223372036854775807", "-9223372036854775808"} {
		body := []byte(`{"time_ms":` + ms + `,"events":[]}`)
		if _, err := p.Webhook(key, sign(string(body)), body, moment.Time); chat.KindOf(err) != chat.Unauthorized {
			t.Errorf("time_ms %s: %v", ms, err)
		}
	}
	if _, err := p.Webhook(key, sign("{}"), []byte("{}"), moment.Time); chat.KindOf(err) != chat.Unauthorized {
		t.Errorf("no time: %v", err)
	}
}

func TestAWebhookThatCannotBeReadIsInvalid(t *testing.T) {
	t.Parallel()
	p, _ := app(t, realtime.Presence)
	now := strconv.FormatInt(moment.UnixMilli(), 10)
	for _, body := range []string{
		"", "{", "[]", `"text"`, "1", `{"time_ms":"` + now + `"}`, `{"time_ms":1.5}`, `{"time_ms":1e99}`,
		`{"time_ms":` + now + `,"events":{}}`, `{"time_ms":` + now + `,"events":[1]}`, `{"time_ms":` + now + `,"events":[{"name":7}]}`,
		`{"time_ms":` + now + `} {}`, strings.Repeat("[", 20_000),
	} {
		if got, err := p.Webhook(key, sign(body), []byte(body), moment.Time); chat.KindOf(err) != chat.Invalid || got != nil {
			t.Errorf("%.60s: %v, %v", body, got, err)
		}
	}
}

// Without a secret, anybody can sign a text.
func TestWithoutPusherNoWebhookIsTaken(t *testing.T) {
	t.Parallel()
	body := hookOf(member("added", "presence-client-42", "c:42"))
	for _, o := range []realtime.Options{{}, {AppID: appID, Key: key, Cluster: "eu"}, {AppID: appID, Key: key, Secret: secret}} {
		o.Channels = realtime.Presence
		if got, err := realtime.New(o).Webhook(o.Key, sign(string(body)), body, moment.Time); chat.KindOf(err) != chat.Unavailable || got != nil {
			t.Errorf("%v, %v", got, err)
		}
	}
}

func FuzzASignedWebhookIsReadOrRefused(f *testing.F) {
	for _, seed := range [][]byte{
		hookOf(member("added", "presence-client-42", "c:42")), hookOf(member("removed", "presence-client-=C3=A9", "c:é")),
		hookOf(`{"name":"client_event","data":{}}`), []byte(`{"time_ms":1}`), []byte("{"), nil,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, _ := app(t, realtime.Presence)
		if _, err := p.Webhook(key, sign("not "+string(body)), body, moment.Time); chat.KindOf(err) != chat.Unauthorized {
			t.Errorf("%q with another's signature: %v", body, err)
		}
		got, err := p.Webhook(key, sign(string(body)), body, moment.Time)
		if err != nil {
			if kind := chat.KindOf(err); kind != chat.Unauthorized && kind != chat.Invalid || got != nil {
				t.Errorf("%q: %v, %v", body, got, err)
			}
			return
		}
		seen := map[string]bool{}
		for _, presence := range got {
			if seen[presence.ClientID] || !chat.ValidID(presence.ClientID) || !json.Valid(body) || moment.Sub(presence.At) > 10*time.Minute || presence.At.Sub(moment.Time) > time.Minute {
				t.Errorf("%q: %v", body, got)
			}
			seen[presence.ClientID] = true
		}
	})
}
