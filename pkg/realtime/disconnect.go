package realtime

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"devinbox/pkg/chat"
)

// Disconnect closes every connection on which an identity is signed in (see [Publisher.SignIn]). Then it
// hears nothing more, unless its credential is still valid: with that it can connect and be authorised again.
// Connections that never signed in stay open. The library has no such request, so it is made and signed here, as
// https://pusher.com/docs/channels/library_auth_reference/rest-api/ says.
//
// Errors: Invalid for an id or a role that no identity can have; Unavailable if Pusher is not configured, does
// not answer or refuses.
func (p *Publisher) Disconnect(ctx context.Context, role chat.Role, id string) error {
	if !chat.ValidID(id) {
		return chat.InvalidField("id", "must be 1 to 120 bytes of UTF-8 without control characters")
	}
	user := userID(role, id)
	if user == "" {
		return chat.InvalidField("role", "must be client or developer")
	}
	if !p.enabled {
		return errDisabled
	}
	const body = "{}"
	request, err := http.NewRequest(http.MethodPost, p.terminateURL(user, body), strings.NewReader(body))
	if err != nil {
		return chat.Defect(errors.New("realtime: a URL of ours cannot be read")) // err repeats it, with its signature
	}
	request.Header.Set("Content-Type", "application/json")

	c := p.request(ctx, func(through *http.Client) {
		if response, err := through.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body) // the call keeps it; and the connection can be used again
			response.Body.Close()
		}
	})
	if !c.accepted() {
		return chat.Fail(chat.Unavailable, "Pusher did not close the connections.").
			Because(fmt.Errorf("a request to Pusher failed: class %s, status %d", c.class(), c.status))
	}
	return nil
}

// terminateURL returns the signed URL of a request with this body that closes the connections of a user. The
// signature is of the unescaped path, as in Pusher's Node library.
func (p *Publisher) terminateURL(user, body string) string {
	const head, tail = "/apps/%s/users/", "/terminate_connections"
	u := url.URL{
		Scheme:   "https",
		Host:     p.client.Host,
		Path:     fmt.Sprintf(head, p.client.AppID) + user + tail,
		RawPath:  fmt.Sprintf(head, p.client.AppID) + url.PathEscape(user) + tail,
		RawQuery: fmt.Sprintf("auth_key=%s&auth_timestamp=%d&auth_version=1.0&body_md5=%x", p.client.Key, time.Now().Unix(), md5.Sum([]byte(body))),
	}
	if !p.client.Secure {
		u.Scheme = "http"
	}
	u.RawQuery += fmt.Sprintf("&auth_signature=%x", p.sign([]byte("POST\n"+u.Path+"\n"+u.RawQuery)))
	return u.String()
}
