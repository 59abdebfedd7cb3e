package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"devinbox/pkg/chat"
	"devinbox/pkg/identity"
)

// Guest is what somebody without a credential says of itself.
type Guest struct {
	Name  *string `json:"name"`
	Email *string `json:"email"`
}

// Guests tells whether somebody without a credential may begin as a guest.
func (a *App) Guests() bool { return a.guests }

// StartSession makes a client of a guest: an id that nobody has or can guess, a token, and the cookie that holds it.
// Errors: RateLimited where too many have begun from the same address; those of the Store.
func (a *App) StartSession(ctx context.Context, r *http.Request, guest Guest) (s Session, cookie string, err error) {
	if err := a.Chat.AdmitGuest(ctx, a.addressDigest(r)); err != nil {
		return Session{}, "", err
	}
	me := chat.Identity{ID: identity.NewGuestID(), Role: chat.Client}
	if guest.Name != nil {
		me.Name = chat.CleanName(*guest.Name)
	}
	if guest.Email != nil {
		me.Email = chat.CleanEmail(*guest.Email)
	}
	token, err := a.identity.Mint(me, identity.SessionLifetime)
	if err != nil {
		return Session{}, "", err
	}
	s = a.Session(me)
	s.Token = token
	return s, identity.NewSession(r, token).String(), nil
}

// EndSession is the cookie that takes a session from the browser that made a request.
func EndSession(r *http.Request) string { return identity.EndSession(r).String() }

// addressDigest stands for the address that a request comes from, without telling it. X-Real-Ip is Vercel's, which
// overwrites what a caller set; devinbox serve does the same, or removes the header if no proxy is trusted. Without it
// the address of the connection counts. For IPv6, where one caller has many addresses, the network counts.
func (a *App) addressDigest(r *http.Request) []byte {
	text := strings.TrimSpace(r.Header.Get("X-Real-Ip"))
	if text == "" {
		text = r.RemoteAddr
		if host, _, err := net.SplitHostPort(text); err == nil {
			text = host
		}
	}
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap().WithZone("")
		if address.Is6() {
			network, _ := address.Prefix(64)
			text = network.String()
		} else {
			text = address.String()
		}
	}
	digest := hmac.New(sha256.New, a.secret)
	digest.Write([]byte(text))
	return digest.Sum(nil)
}
