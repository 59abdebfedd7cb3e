package web_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"devinbox/pkg/chat"
	"devinbox/pkg/web"
)

type input struct {
	Text   string  `json:"text"`
	Number *int64  `json:"number"`
	Flag   bool    `json:"flag"`
	Key    *string `json:"key"`
}

// fault returns what a refusal tells its caller: the code and, if one is to blame, the field.
func fault(t *testing.T, err error) (code chat.Kind, field string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not the domain's error", err)
	}
	if len(e.Fields) > 0 {
		field = e.Fields[0].Name
	}
	return e.Kind, field
}

func TestABodyIsReadStrictlyAndItsFaultyFieldIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body  string
		code  chat.Kind // empty if it is accepted
		field string
	}{
		"a whole object":                 {`{"text":"a","number":1,"flag":true,"key":"k"}`, "", ""},
		"an empty object":                {`{}`, "", ""},
		"nulls are absent":               {`{"text":null,"number":null,"flag":null,"key":null}`, "", ""},
		"white space around it":          {" \n{}\t ", "", ""},
		"an escaped pair of surrogates":  {`{"text":"\ud83d\ude00"}`, "", ""},
		"the largest number":             {`{"number":9223372036854775807}`, "", ""},
		"an unknown field":               {`{"texts":"a"}`, chat.Invalid, "texts"},
		"an unknown field that is null":  {`{"texts":null}`, chat.Invalid, "texts"},
		"another case":                   {`{"Text":"a"}`, chat.Invalid, "Text"},
		"a doubled field":                {`{"text":"a","text":"b"}`, chat.Invalid, "text"},
		"a doubled field with an escape": {`{"text":"a","\u0074ext":"b"}`, chat.Invalid, "text"},
		"a wrong type":                   {`{"text":5}`, chat.Invalid, "text"},
		"a number in a text":             {`{"number":"1"}`, chat.Invalid, "number"},
		"a fraction":                     {`{"number":1.5}`, chat.Invalid, "number"},
		"an exponent":                    {`{"number":1e400}`, chat.Invalid, "number"},
		"a number beyond 64 bits":        {`{"number":9223372036854775808}`, chat.Invalid, "number"},
		"a number for a flag":            {`{"flag":1}`, chat.Invalid, "flag"},
		"an object for a text":           {`{"text":{"a":1}}`, chat.Invalid, "text"},
		"a lone surrogate":               {`{"text":"\ud800"}`, chat.Invalid, "text"},
		"invalid UTF-8":                  {"{\"text\":\"\xff\"}", chat.Invalid, "text"},
		"a raw control character":        {"{\"text\":\"\x01\"}", chat.Invalid, "text"},
		"trailing data":                  {`{} {}`, chat.Invalid, ""},
		"a trailing comma":               {`{"text":"a",}`, chat.Invalid, ""},
		"a comment":                      {`{/* */}`, chat.Invalid, ""},
		"half an object":                 {`{"text":`, chat.Invalid, "text"},
		"nothing":                        {``, chat.Invalid, ""},
		"null":                           {`null`, chat.Invalid, ""},
		"an array":                       {`[]`, chat.Invalid, ""},
		"a text":                         {`"a"`, chat.Invalid, ""},
		"what is not JSON":               {`text=a`, chat.Invalid, ""},
		"a byte order mark":              {"\ufeff{}", chat.Invalid, ""},
		"deep nesting":                   {`{"text":` + strings.Repeat("[", 60_000), chat.Invalid, "text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			_, err := web.Decode[input](r)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			code, field := fault(t, err)
			if code != c.code || field != c.field {
				t.Errorf("%s blames %q, want %s blaming %q", code, field, c.code, c.field)
			}
		})
	}
}

func TestTheMediaTypeIsLookedAtBeforeTheSizeAndTheSizeBeforeTheSyntax(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", web.MaxBody+1)
	for name, c := range map[string]struct {
		contentType, encoding, target, body string
		code                                chat.Kind
	}{
		"no type":                   {"", "", "/", "{}", web.UnsupportedMediaType},
		"text/plain":                {"text/plain", "", "/", large, web.UnsupportedMediaType},
		"a form":                    {"application/x-www-form-urlencoded", "", "/", "{}", web.UnsupportedMediaType},
		"multipart":                 {"multipart/form-data; boundary=x", "", "/", "{}", web.UnsupportedMediaType},
		"a cousin of JSON":          {"application/problem+json", "", "/", "{}", web.UnsupportedMediaType},
		"another charset":           {"application/json; charset=utf-16", "", "/", "{}", web.UnsupportedMediaType},
		"compressed":                {"application/json", "gzip", "/", "{}", web.UnsupportedMediaType},
		"a type that is malformed":  {"application/json; charset", "", "/", "{}", web.UnsupportedMediaType},
		"too large":                 {"application/json", "", "/?a=1", large, web.PayloadTooLarge},
		"an unknown parameter":      {"application/json", "", "/?a=1", "{}", chat.Invalid},
		"as large as allowed":       {"application/json", "", "/", `{"text":"` + strings.Repeat("x", web.MaxBody-11) + `"}`, ""},
		"a charset that is right":   {"Application/JSON; charset=UTF-8", "", "/", "{}", ""},
		"a parameter of Vercel's":   {"application/json", "", "/?x-vercel-protection-bypass=a", "{}", ""},
		"encoded as it is":          {"application/json", "identity", "/", "{}", ""},
		"a type with a stray blank": {" application/json ", "", "/", "{}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", c.target, strings.NewReader(c.body))
			if c.contentType != "" {
				r.Header.Set("Content-Type", c.contentType)
			}
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			_, err := web.Decode[input](r)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if code, _ := fault(t, err); code != c.code {
				t.Errorf("%s, want %s", code, c.code)
			}
		})
	}
}

func TestAnErrorRepeatsNoValueOfTheInput(t *testing.T) {
	t.Parallel()
	const canary = "canary-5d1f"
	for _, body := range []string{
		`{"text":["` + canary + `"]}`, `{"number":"` + canary + `"}`, `{"text":"` + canary + `\ud800"}`,
		`{"text":"a","text":"` + canary + `"}`, `{"texts":"` + canary + `"}`, `{"text":"` + canary, canary,
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		_, err := web.Decode[input](r)
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestTheNameOfAnUnknownFieldIsCut(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{"`+strings.Repeat("é", 10_000)+`":1}`))
	r.Header.Set("Content-Type", "application/json")
	_, err := web.Decode[input](r)
	if _, field := fault(t, err); len([]rune(field)) > 65 {
		t.Errorf("a name of %d code points came back", len([]rune(field)))
	}
}

func TestPusherParametersComeAsAFormOrAsJSONAndEachOnce(t *testing.T) {
	t.Parallel()
	const form, object = "application/x-www-form-urlencoded", "application/json"
	for name, c := range map[string]struct {
		contentType, body string
		code              chat.Kind
		field             string
	}{
		"a form":                 {form, "socket_id=1.2&channel_name=private-a%40", "", ""},
		"JSON":                   {object, `{"socket_id":"1.2","channel_name":"private-a@"}`, "", ""},
		"a doubled parameter":    {form, "socket_id=1.2&socket_id=1.3", chat.Invalid, "socket_id"},
		"doubled by escaping":    {form, "socket_id=1.2&socket%5Fid=1.3", chat.Invalid, "socket_id"},
		"an unknown parameter":   {form, "socket_id=1.2&user=x", chat.Invalid, "user"},
		"one of Vercel's":        {form, "socket_id=1.2&x-vercel-a=x", chat.Invalid, "x-vercel-a"},
		"another case":           {form, "Socket_id=1.2", chat.Invalid, "Socket_id"},
		"a broken escape":        {form, "socket_id=%zz", chat.Invalid, "socket_id"},
		"invalid UTF-8":          {form, "socket_id=%ff", chat.Invalid, "socket_id"},
		"an array":               {form, "channel_name[0]=a", chat.Invalid, "channel_name[0]"},
		"JSON doubled":           {object, `{"socket_id":"1.2","socket_id":"1.3"}`, chat.Invalid, "socket_id"},
		"JSON unknown":           {object, `{"socket_id":"1.2","user":"x"}`, chat.Invalid, "user"},
		"JSON of a wrong type":   {object, `{"socket_id":1.2}`, chat.Invalid, "socket_id"},
		"text":                   {"text/plain", "socket_id=1.2", web.UnsupportedMediaType, ""},
		"a semicolon as divider": {form, "socket_id=1.2;channel_name=a", "", ""}, // it is part of the value, which is checked later
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			given, err := web.DecodeForm(r, "socket_id", "channel_name")
			if c.code != "" {
				if code, field := fault(t, err); code != c.code || field != c.field {
					t.Errorf("%s blames %q, want %s blaming %q", code, field, c.code, c.field)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(given["socket_id"], "1.2") || given["channel_name"] != "" && given["channel_name"] != "private-a@" {
				t.Errorf("%q", given)
			}
		})
	}
}

func TestAQueryIsReadStrictly(t *testing.T) {
	t.Parallel()
	for query, field := range map[string]string{
		"":                       "",
		"limit=1&name=x":         "",
		"x-vercel-a=1":           "",
		"x-vercel-a=1&limit=100": "",
		"limit=0":                "limit",
		"limit=101":              "limit",
		"limit=+5":               "limit",
		"limit=05":               "limit",
		"limit=5.0":              "limit",
		"limit=":                 "limit",
		"limit=1&limit=1":        "limit",
		"limits=1":               "limits",
		"LIMIT=1":                "LIMIT",
		"word=c":                 "word",
		"word=":                  "word",
		"name=%ff":               "name",
		"name=%":                 "name",
		"limit=1;name=x":         "limit",
		"first=1&second=2":       "second",
		"first=-1":               "first",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "/", nil)
			r.URL.RawQuery = query
			q := web.ParseQuery(r, "limit", "name", "word", "first", "second")
			q.Limit(50)
			q.Text("name")
			q.OneOf("word", "a", "b")
			q.Integer("first", 0, 10)
			q.Integer("second", 0, 10)
			q.AtMostOne("first", "second")
			if field == "" {
				if q.Err() != nil {
					t.Fatal(q.Err())
				}
				return
			}
			if code, blamed := fault(t, q.Err()); code != chat.Invalid || blamed != field {
				t.Errorf("%s blames %q, want %q", code, blamed, field)
			}
		})
	}
}

// readOrRefused fails if a body is neither read as a T nor refused as its caller's fault.
func readOrRefused[T any](t *testing.T, body string) {
	t.Helper()
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if _, err := web.Decode[T](r); err != nil {
		if code, _ := fault(t, err); code != chat.Invalid && code != web.PayloadTooLarge {
			t.Errorf("%s for %q", code, body)
		}
	}
}

func FuzzABodyIsReadOrRefused(f *testing.F) {
	for _, seed := range []string{
		`{"text":"a","number":1}`, `{"text":"\ud800"}`, `[]`, `{"a":{"b":[1,2]}}`, "\xff", `{"clientId":null,"body":"a","create":true}`,
		`{"messageId":"019a3f6e-0000-7000-8000-0123456789ab","body":"","ifVersion":1e2}`, `{"upToSeq":-0,"socketId":"1.2"}`,
		`{"clientId":"42","status":"closed","assigneeId":null,"assigneeId":"ada"}`, `{"status":{"a":[]},"assigneeId":[null]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		readOrRefused[input](t, body)
		readOrRefused[chat.Draft](t, body)
		readOrRefused[chat.ReadMark](t, body)
		readOrRefused[chat.Edit](t, body)
		readOrRefused[chat.Deletion](t, body)
		readOrRefused[chat.Update](t, body)
	})
}

func FuzzAFormAndAQueryAreReadOrRefused(f *testing.F) {
	for _, seed := range []string{"socket_id=1.2&channel_name=a", "a=%zz", "limit=5", "&&=&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		given, err := web.DecodeForm(r, "socket_id", "channel_name")
		if err != nil {
			if code, _ := fault(t, err); code != chat.Invalid && code != web.PayloadTooLarge {
				t.Errorf("%s for %q", code, text)
			}
		}
		for name := range given {
			if name != "socket_id" && name != "channel_name" {
				t.Errorf("%q came through", name)
			}
		}
		r = httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = text
		q := web.ParseQuery(r, "limit")
		if n := q.Limit(50); n < 1 || n > 100 {
			t.Errorf("a limit of %d", n)
		}
	})
}
