package pusherserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"devinbox/internal/dev/pusherserver"
)

func TestThePublishedSignatures(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f": "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
		"1234.1234:private-foobar": "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4",
		`1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Channels"}}`:            "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80",
		`1234.1234::user::{"id":"12345"}`:                                                         "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba",
		`{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"my-channel"}]}`: "c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf",
	} {
		if got := pusherserver.Sign(secret, text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestTheSignedTextIsSortedAndUnescaped(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"auth_signature=x&b=2&A=1":                  "GET\n/p\na=1&b=2",
		"b=2&auth_signature=x&a=1&":                 "GET\n/p\na=1&b=2",
		"a-b=1&a=2":                                 "GET\n/p\na=2&a-b=1",
		"filter_by_prefix=presence-a;b,c@d=e&info=": "GET\n/p\nfilter_by_prefix=presence-a;b,c@d=e&info=",
		"filter_by_prefix=a%3Bb%2Cc":                "GET\n/p\nfilter_by_prefix=a;b,c",
		"a=1+2&b=%zz":                               "GET\n/p\na=1+2&b=%zz",
		"":                                          "GET\n/p\n",
	} {
		query, err := pusherserver.ParseQuery(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := pusherserver.SignedText("GET", "/p", query); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	if query, err := pusherserver.ParseQuery("a=1&b=2&A=3"); err == nil {
		t.Errorf("a parameter that is there twice is %v", query)
	}
}

func TestARequestThatIsNotSignedForIsRefused(t *testing.T) {
	t.Parallel()
	recorder := &pusherserver.Recorder{}
	log := &journal{}
	s := start(t, log.keep, func(o *pusherserver.Options) { o.Recorder = recorder })
	const body = `{"channel":"my-channel","name":"my-event","data":"canary"}`
	good := request{Method: "POST", Path: "/apps/3/events", Body: body}
	if status, text, header := good.do(t, s); status != 200 || text != "{}" || header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s %v", status, text, header)
	}
	change := func(f func(url.Values)) func(*http.Request, url.Values) {
		return func(_ *http.Request, v url.Values) { f(v) }
	}
	for what, r := range map[string]request{
		"another secret":     {Secret: "another"},
		"another key":        {Key: "another"},
		"another path":       {Change: func(r *http.Request, _ url.Values) { r.URL.Path = "/apps/3/batch_events" }},
		"another parameter":  {Change: change(func(v url.Values) { v.Set("info", "user_count") })},
		"no signature":       {Change: change(func(v url.Values) { v.Del("auth_signature") })},
		"an empty signature": {Change: change(func(v url.Values) { v.Set("auth_signature", "") })},
		"no key":             {Change: change(func(v url.Values) { v.Del("auth_key") })},
		"no timestamp":       {Change: change(func(v url.Values) { v.Del("auth_timestamp") })},
		"no version":         {Change: change(func(v url.Values) { v.Del("auth_version") })},
		"no digest":          {Change: change(func(v url.Values) { v.Del("body_md5") })},
		"an empty digest":    {Query: map[string]string{"body_md5": ""}},
		"another digest":     {Query: map[string]string{"body_md5": strings.Repeat("0", 32)}},
		"another version":    {Query: map[string]string{"auth_version": "2.0"}},
		"no parameters":      {Change: func(r *http.Request, _ url.Values) { r.URL.RawQuery = "x=1" }},
		"another body": {Change: func(r *http.Request, _ url.Values) {
			other, _ := http.NewRequest("POST", "http://x", strings.NewReader(strings.Replace(body, "canary", "parrot", 1)))
			r.Body, r.ContentLength = other.Body, other.ContentLength
		}},
		"too old": {At: time.Now().Add(-601 * time.Second)},
		"too new": {At: time.Now().Add(602 * time.Second)},
	} {
		r.Method, r.Path, r.Body = good.Method, good.Path, good.Body
		status, text, header := r.do(t, s)
		if status != 401 || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") || text == "" {
			t.Errorf("%s: %d %s", what, status, text)
		}
		if strings.Contains(text, secret) || strings.Contains(text, "canary") {
			t.Errorf("%s: the answer tells too much: %s", what, text)
		}
		if strings.HasPrefix(what, "too ") && !strings.HasPrefix(text, "Timestamp expired") {
			t.Errorf("%s: %s", what, text)
		}
	}
	for _, at := range []time.Duration{-598 * time.Second, 598 * time.Second} {
		r := good
		r.At = time.Now().Add(at)
		if status, text, _ := r.do(t, s); status != 200 {
			t.Errorf("%v: %d %s", at, status, text)
		}
	}
	if n := len(recorder.Published()); n != 3 {
		t.Errorf("%d events are published, want those of the 3 good requests", n)
	}
	for _, word := range []string{secret, "canary", "auth_", "md5"} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log tells %q: %s", word, log)
		}
	}
}

func TestAClockThatIsSetIsTheOneThatRequestsAreJudgedBy(t *testing.T) {
	t.Parallel()
	s := start(t)
	r := request{Method: "POST", Path: "/apps/3/events", Body: `{"name":"a","channel":"b","data":"c"}`}
	for _, test := range []struct {
		skew   time.Duration
		status int
	}{{time.Hour, 401}, {-time.Hour, 401}, {0, 200}} {
		s.Skew(test.skew)
		if status, text, _ := r.do(t, s); status != test.status {
			t.Errorf("%v: %d %s", test.skew, status, text)
		}
	}
}

func TestAnAnswerTellsTheClockByWhichItsRequestWasJudged(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, skew := range []time.Duration{0, 5 * time.Minute, -time.Hour} {
		s.Skew(skew)
		_, _, header := request{Method: "GET", Path: "/apps/" + appID + "/channels"}.do(t, s)
		date, err := http.ParseTime(header.Get("Date"))
		if off := time.Until(date) - skew; err != nil || off.Abs() > time.Minute {
			t.Errorf("ahead by %v: Date is %q (%v)", skew, header.Get("Date"), err)
		}
	}
}
