package identity

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Kind is the place of a credential in a request.
type Kind uint8

// The kinds of credential, in the order in which they are looked for. The first that is present decides.
const (
	None    Kind = iota
	Bearer       // the header Authorization with the scheme Bearer (RFC 6750, section 2.1)
	AuthJS       // the session cookie of Auth.js v5
	Session      // the cookie devinbox_session
)

const (
	// Auth.js v5 names its cookie by the scheme that the browser uses.
	authJSCookie       = "authjs.session-token"
	secureAuthJSCookie = "__Secure-" + authJSCookie

	// Auth.js splits what is too long for one cookie into several, numbered from 0.
	maxChunks = 8
	// maxTokenBytes is how long a token may be, after joining.
	maxTokenBytes = 32 << 10
)

// Credential is what a request says about who makes it, as it was found, before any check.
type Credential struct {
	Kind   Kind
	cookie string // the name of the cookie, if it was in one
	token  string
	fault  error // why it cannot be valid, whatever the token
}

// IsCookie tells whether the browser added this credential by itself, so that any site's page may have made the
// request.
func (c Credential) IsCookie() bool { return c.Kind == AuthJS || c.Kind == Session }

// Find returns the credential that decides: the first one that is present. Another scheme than Bearer in Authorization
// is not a credential. A credential that is present but bad still decides, and [Verifier.Verify] refuses it.
func (v *Verifier) Find(r *http.Request) Credential {
	if c := findBearer(r.Header["Authorization"]); c.Kind != None {
		return c
	}
	cookies := r.Cookies()
	if v.sessions != nil {
		name := authJSCookie
		if isHTTPS(r) {
			name = secureAuthJSCookie
		}
		if c := findAuthJS(cookies, name); c.Kind != None {
			return c
		}
	}
	return findSession(cookies)
}

func findBearer(headers []string) (c Credential) {
	for _, header := range headers {
		scheme, token, _ := strings.Cut(strings.Trim(header, " \t"), " ")
		if strings.EqualFold(scheme, "Bearer") {
			c.Kind, c.token = Bearer, strings.TrimLeft(token, " ")
		}
	}
	if c.Kind == Bearer && len(headers) > 1 {
		c.fault = errors.New("identity: several Authorization headers")
	}
	return c
}

func findSession(cookies []*http.Cookie) (c Credential) {
	for _, cookie := range cookies {
		if cookie.Name != SessionCookie {
			continue
		}
		if c.Kind != None {
			c.fault = errTwice
		}
		c.Kind, c.cookie, c.token = Session, cookie.Name, cookie.Value
	}
	return c
}

// errTwice is the fault of a cookie that is there twice. A browser sends two if another host of the same site, for
// example, has set one for the whole site: so the two may belong to two people.
var errTwice = errors.New("identity: the same cookie twice")

// findAuthJS reads the session cookie of Auth.js: one of that name, or the joined chunks, whose names end with .0,
// .1 and so on.
func findAuthJS(cookies []*http.Cookie, name string) Credential {
	var whole *http.Cookie
	var chunks [maxChunks]*http.Cookie
	count := 0
	c := Credential{Kind: AuthJS, cookie: name}
	for _, cookie := range cookies {
		slot := &whole
		if number, isChunk := strings.CutPrefix(cookie.Name, name+"."); isChunk {
			i, err := strconv.Atoi(number)
			if err != nil || strconv.Itoa(i) != number || i < 0 {
				continue // another program's cookie
			}
			count++
			if i >= maxChunks {
				c.fault = errors.New("identity: too many chunks of a cookie")
				continue
			}
			slot = &chunks[i]
		} else if cookie.Name != name {
			continue
		}
		if *slot != nil {
			c.fault = errTwice
		}
		*slot = cookie
	}
	switch {
	case whole == nil && count == 0:
		return Credential{}
	case c.fault != nil:
	case whole != nil && count > 0:
		c.fault = errors.New("identity: a cookie both whole and in chunks")
	case whole != nil:
		c.token = whole.Value
	default:
		for _, chunk := range chunks[:count] {
			if chunk == nil {
				c.fault = errors.New("identity: a chunk of a cookie is missing")
				break
			}
			c.token += chunk.Value
		}
	}
	return c
}

// isHTTPS tells whether the browser uses https, to this process or to the proxy in front of it. Vercel ends TLS and
// says so in X-Forwarded-Proto, and overwrites what a caller put there; devinbox serve removes the header if no proxy
// is trusted. Elsewhere a caller can set it: but that only changes the name of the cookie that we look for, and the
// name is part of the key that its value was encrypted with.
func isHTTPS(r *http.Request) bool {
	forwarded, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(forwarded), "https")
}
