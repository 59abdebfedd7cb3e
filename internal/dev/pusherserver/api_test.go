package pusherserver_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"devinbox/internal/dev/pusherserver"
)

type object = map[string]any

func many(n int, f func(int) any) []any {
	list := []any{}
	for i := range n {
		list = append(list, f(i))
	}
	return list
}

func TestWhatMayBePublished(t *testing.T) {
	t.Parallel()
	event := func(change object) object {
		e := object{"channel": "my-channel", "name": "my-event", "data": "x"}
		for k, v := range change {
			if e[k] = v; v == nil {
				delete(e, k)
			}
		}
		return e
	}
	channels := func(n int) []any {
		return many(n, func(i int) any { return name("c%d", i) })
	}
	for what, test := range map[string]struct {
		change object
		status int
	}{
		"an event":                    {object{}, 200},
		"empty data":                  {object{"data": ""}, 200},
		"the largest data":            {object{"data": strings.Repeat("x", 10240)}, 200},
		"the largest data, escaped":   {object{"data": strings.Repeat("\x01", 10240)}, 200},
		"the largest data, in bytes":  {object{"data": strings.Repeat("ä", 5120)}, 200},
		"data too large":              {object{"data": strings.Repeat("x", 10241)}, 413},
		"data too large, in bytes":    {object{"data": strings.Repeat("ä", 5121)}, 413},
		"an object as data":           {object{"data": object{}}, 400},
		"a number as data":            {object{"data": 1}, 400},
		"null as data":                {object{"data": json.RawMessage("null")}, 400},
		"no data":                     {object{"data": nil}, 400},
		"no name":                     {object{"name": nil}, 400},
		"an empty name":               {object{"name": ""}, 400},
		"a number as name":            {object{"name": 1}, 400},
		"the longest name":            {object{"name": strings.Repeat("ä", 200)}, 200},
		"a name too long":             {object{"name": strings.Repeat("x", 201)}, 400},
		"a name of Pusher's":          {object{"name": "pusher:x"}, 400},
		"an internal name":            {object{"name": "pusher_internal:x"}, 400},
		"almost a name of Pusher's":   {object{"name": "pusher-x"}, 200},
		"no channel":                  {object{"channel": nil}, 400},
		"channels":                    {object{"channel": nil, "channels": channels(1)}, 200},
		"no channel in channels":      {object{"channel": nil, "channels": channels(0)}, 400},
		"a text as channels":          {object{"channel": nil, "channels": "my-channel"}, 400},
		"100 channels":                {object{"channel": nil, "channels": channels(100)}, 200},
		"101 channels":                {object{"channel": nil, "channels": channels(101)}, 400},
		"a bad one among channels":    {object{"channel": nil, "channels": append(channels(2), "a b")}, 400},
		"a socket":                    {object{"socket_id": "123.456"}, 200},
		"null as socket":              {object{"socket_id": json.RawMessage("null")}, 200},
		"a malformed socket":          {object{"socket_id": "123"}, 400},
		"an empty socket":             {object{"socket_id": ""}, 400},
		"user_count":                  {object{"info": "user_count"}, 400},
		"subscription_count":          {object{"info": "subscription_count"}, 200},
		"user_count of members":       {object{"channel": "presence-x", "info": "user_count"}, 200},
		"subscriptions of members":    {object{"channel": "presence-x", "info": "subscription_count"}, 400},
		"an attribute of nothing":     {object{"info": "colour"}, 400},
		"something we have no use of": {object{"tags": object{"a": "b"}}, 200},
	} {
		r := &pusherserver.Recorder{}
		s := start(t, func(o *pusherserver.Options) { o.Recorder = r })
		status, text := post(t, s, "/events", event(test.change))
		if status != test.status || text == "" {
			t.Errorf("%s: %d %s, want %d", what, status, text, test.status)
		}
		published := len(r.Published())
		if want := test.status == 200; (published > 0) != want {
			t.Errorf("%s: %d are published", what, published)
		}

		// The same in a batch, after a valid event, which must be refused too.
		if _, several := test.change["channels"]; several {
			test.status = 400
		}
		r.Reset()
		status, text = post(t, s, "/batch_events", object{"batch": []object{event(nil), event(test.change)}})
		if status != test.status || text == "" {
			t.Errorf("%s in a batch: %d %s, want %d", what, status, text, test.status)
		}
		if published, want := len(r.Published()), map[bool]int{true: 2}[test.status == 200]; published != want {
			t.Errorf("%s in a batch: %d are published, want %d", what, published, want)
		}
	}
}

func TestTheSizeOfABatch(t *testing.T) {
	t.Parallel()
	s := start(t)
	for n, want := range map[int]int{0: 400, 1: 200, 10: 200, 11: 400} {
		batch := many(n, func(int) any {
			return object{"channel": "my-channel", "name": "my-event", "data": strings.Repeat("\x01", 10240)}
		})
		if status, text := post(t, s, "/batch_events", object{"batch": batch}); status != want {
			t.Errorf("%d events: %d %s, want %d", n, status, text, want)
		}
	}
}

func TestWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	s := start(t)
	for what, test := range map[string]struct {
		method, path, body string
		status             int
	}{
		"not JSON":               {"POST", "/apps/3/events", "channel=x&name=y&data=z", 400},
		"no JSON object":         {"POST", "/apps/3/events", "[]", 400},
		"null":                   {"POST", "/apps/3/events", "null", 400},
		"no body":                {"POST", "/apps/3/events", "", 400},
		"a batch of texts":       {"POST", "/apps/3/batch_events", `{"batch":["x"]}`, 400},
		"a batch of null":        {"POST", "/apps/3/batch_events", `{"batch":[null]}`, 400},
		"a batch that is none":   {"POST", "/apps/3/batch_events", `{"batch":{}}`, 400},
		"too large":              {"POST", "/apps/3/events", strings.Repeat(" ", 1<<20+1), 413},
		"another method":         {"GET", "/apps/3/events", "", 405},
		"another method, again":  {"POST", "/apps/3/channels", "{}", 405},
		"another app":            {"POST", "/apps/4/events", "{}", 404},
		"another app's channels": {"GET", "/apps/4/channels", "", 404},
		"another path":           {"GET", "/apps/3/elsewhere", "", 404},
		"the root":               {"GET", "/", "", 404},
		"an upgrade that is not": {"GET", "/app/" + key, "", 404},
	} {
		status, text, header := request{Method: test.method, Path: test.path, Body: test.body}.do(t, s)
		if status != test.status || text == "" || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %s %s, want %d as text", what, status, header.Get("Content-Type"), text, test.status)
		}
	}
	status, _, _ := request{Method: "GET", Path: "/apps/3/channels", Change: func(r *http.Request, v url.Values) {
		r.URL.RawQuery = v.Encode() + "&auth_key=" + key
	}}.do(t, s)
	if status != 400 {
		t.Errorf("a parameter twice: %d", status)
	}
}

func TestWhatCanBeAsked(t *testing.T) {
	t.Parallel()
	s := start(t)
	a, b := connect(t, s), connect(t, s)
	a.subscribe("my-channel")
	b.subscribe("my-channel")
	b.subscribe("private-a;b,c@d=e.f")
	a.join("presence-x", `{"user_id":"2"}`)
	b.join("presence-x", `{"user_id":"1"}`)
	third := connect(t, s)
	third.join("presence-x", `{"user_id":"1"}`)
	third.join("presence-y", `{"user_id":"1"}`)

	for _, test := range []struct {
		path, prefix, info string
		status             int
		body               string
	}{
		{"/channels", "", "", 200, `{"channels":{"my-channel":{},"presence-x":{},"presence-y":{},"private-a;b,c@d=e.f":{}}}`},
		{"/channels", "presence-", "", 200, `{"channels":{"presence-x":{},"presence-y":{}}}`},
		{"/channels", "presence-", "user_count", 200, `{"channels":{"presence-x":{"user_count":2},"presence-y":{"user_count":1}}}`},
		{"/channels", "presence-y", "user_count", 200, `{"channels":{"presence-y":{"user_count":1}}}`},
		{"/channels", "private-a;b,c@d=e", "", 200, `{"channels":{"private-a;b,c@d=e.f":{}}}`},
		{"/channels", "nothing", "", 200, `{"channels":{}}`},
		{"/channels", "", "user_count", 400, ""},
		{"/channels", "private-", "user_count", 400, ""},
		{"/channels", "presence", "user_count", 400, ""},
		{"/channels", "presence-", "subscription_count", 400, ""},

		{"/channels/my-channel", "", "", 200, `{"occupied":true}`},
		{"/channels/my-channel", "", "subscription_count", 200, `{"occupied":true,"subscription_count":2}`},
		{"/channels/my-channel", "", "user_count", 400, ""},
		{"/channels/my-channel", "", "cache", 400, ""},
		{"/channels/presence-x", "", "user_count", 200, `{"occupied":true,"user_count":2}`},
		{"/channels/presence-x", "", "subscription_count", 400, ""},
		{"/channels/presence-z", "", "user_count", 200, `{"occupied":false,"user_count":0}`},
		{"/channels/nobody", "", "subscription_count", 200, `{"occupied":false,"subscription_count":0}`},
		{"/channels/private-a;b,c@d=e.f", "", "", 200, `{"occupied":true}`},
		{"/channels/a b", "", "", 400, ""},

		{"/channels/presence-x/users", "", "", 200, `{"users":[{"id":"1"},{"id":"2"}]}`},
		{"/channels/presence-z/users", "", "", 200, `{"users":[]}`},
		{"/channels/my-channel/users", "", "", 400, ""},
		{"/channels/private-x/users", "", "", 400, ""},
	} {
		query := map[string]string{}
		if test.prefix != "" {
			query["filter_by_prefix"] = test.prefix
		}
		if test.info != "" {
			query["info"] = test.info
		}
		if status, text := get(t, s, test.path, query); status != test.status || test.body != "" && text != test.body {
			t.Errorf("%s %v: %d %s, want %d %s", test.path, query, status, text, test.status, test.body)
		}
	}

	for _, test := range []struct {
		path string
		body object
		want string
	}{
		{"/events", object{"channels": []string{"my-channel", "nobody"}, "info": "subscription_count"}, `{"channels":{"my-channel":{"subscription_count":2},"nobody":{"subscription_count":0}}}`},
		{"/events", object{"channels": []string{"presence-x", "presence-y"}, "info": "user_count"}, `{"channels":{"presence-x":{"user_count":2},"presence-y":{"user_count":1}}}`},
		{"/batch_events", object{"batch": []object{
			{"channel": "presence-x", "info": "user_count"}, {"channel": "my-channel"}, {"channel": "my-channel", "info": "subscription_count"},
		}}, `{"batch":[{"user_count":2},{},{"subscription_count":2}]}`},
	} {
		for _, e := range append([]object{test.body}, asObjects(test.body["batch"])...) {
			e["name"], e["data"] = "my-event", "x"
		}
		if status, text := post(t, s, test.path, test.body); status != 200 || text != test.want {
			t.Errorf("%v: %d %s, want %s", test.body, status, text, test.want)
		}
	}
}

func asObjects(v any) []object {
	objects, _ := v.([]object)
	return objects
}
