package identity

import (
	"net"
	"net/http"
	"strings"
	"time"

	"devinbox/pkg/outgoing"
)

// SessionCookie is the name of our own session cookie. Its value is a token, like a bearer's.
const SessionCookie = "devinbox_session"

// SessionLifetime is how long a browser keeps the cookie, and how long the token in it should be valid.
const SessionLifetime = 30 * 24 * time.Hour

// NewSession returns the cookie that gives a browser a session. No script can read it, and the browser does not send
// it with requests from pages of other sites, except when it opens a page. It is Secure, except on
// localhost without https.
func NewSession(r *http.Request, token string) *http.Cookie {
	return sessionCookie(r, token, int(SessionLifetime/time.Second))
}

// EndSession returns the cookie that removes the session from a browser.
func EndSession(r *http.Request) *http.Cookie {
	return sessionCookie(r, "", -1)
}

func sessionCookie(r *http.Request, value string, maxAge int) *http.Cookie {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return &http.Cookie{
		Name:     SessionCookie,
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   isHTTPS(r) || !outgoing.IsLoopback(strings.Trim(host, "[]")),
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}
