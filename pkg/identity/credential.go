package identity

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Kind is where in a request a credential stands.
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

	// Auth.js cuts what a browser would not keep in one cookie into several, numbered from 0.
	maxChunks = 8
	// maxTokenBytes is how long a token may be, put together.
	maxTokenBytes = 32 << 10
)

// Credential is what a request has to say of its maker, as it was found and before anything of it is checked.
type Credential struct {
	Kind   Kind
	cookie string // the name of the cookie, where it stood in one
	token  string
	fault  error // why it cannot be right, whatever the token
}

// IsCookie tells whether the browser added this credential by itself, so that the page which made the
// request may be anybody's.
func (c Credential) IsCookie() bool { return c.Kind == AuthJS || c.Kind == Session }

// Find finds the credential that decides. Another scheme than Bearer in Authorization is no credential. Something
// that is there and bad is there: it decides, and is refused by [Verifier.Verify].
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

// errTwice is the fault of a cookie that is there twice. A browser does that where somebody else, such as
// another host of the same site, has set one for the whole site: so the two may be of two people.
var errTwice = errors.New("identity: the same cookie twice")

// findAuthJS puts the session cookie of Auth.js together: one of that name, or several that have it with
// .0, .1 and so on behind.
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
				continue // a cookie of somebody else's
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

// isHTTPS tells whether the browser speaks https, be it with this process or with the proxy before it. Vercel
// ends TLS and says so in X-Forwarded-Proto, where it leaves nothing of what a caller wrote. Elsewhere a caller
// can write it: then all that changes is the name of the cookie that is looked for, and a name is part of the
// key that its value was made with.
func isHTTPS(r *http.Request) bool {
	forwarded, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(forwarded), "https")
}
