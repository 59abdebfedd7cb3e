package files

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// CheckBrowsers asks the store as a browser does before an upload from a page of this origin: whether the bucket's CORS
// configuration allows it. The error is one word, which may be logged.
func (s *Store) CheckBrowsers(ctx context.Context, origin string) error {
	defer s.observed(ctx)()
	r := (&http.Request{Method: http.MethodOptions, URL: s.address("preflight"), Header: http.Header{}}).WithContext(ctx)
	r.Header.Set("User-Agent", "devinbox")
	r.Header.Set("Origin", origin)
	r.Header.Set("Access-Control-Request-Method", http.MethodPut)
	r.Header.Set("Access-Control-Request-Headers", "content-type,if-none-match")
	answer, err := s.do(r)
	if err != nil {
		return err
	}
	h := answer.Header
	switch {
	case answer.StatusCode/100 != 2:
		return errors.New(class(answer.StatusCode, nil))
	case !allows(h.Values("Access-Control-Allow-Origin"), origin):
		return errors.New("origin")
	case !allows(h.Values("Access-Control-Allow-Methods"), http.MethodPut):
		return errors.New("method")
	case !allows(h.Values("Access-Control-Allow-Headers"), "content-type"), !allows(h.Values("Access-Control-Allow-Headers"), "if-none-match"):
		return errors.New("headers")
	default:
		return nil
	}
}

// allows tells whether a list of a CORS header holds a name, or all of them.
func allows(lists []string, name string) bool {
	names := strings.FieldsFunc(strings.Join(lists, ","), func(r rune) bool { return r == ',' || r == ' ' })
	return slices.ContainsFunc(names, func(one string) bool { return one == "*" || strings.EqualFold(one, name) })
}
