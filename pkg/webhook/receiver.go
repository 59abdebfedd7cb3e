package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"devinbox/pkg/chat"
	"devinbox/pkg/outgoing"
)

const (
	connsMax = 20

	// An answer is its status. So much of its body is read, in so much time, that the connection can be used again.
	maxAnswerBytes = 4 << 10
	answerPatience = time.Second
)

// Receiver is chat's [chat.Receiver]: the server at a URL. It is safe for concurrent use.
type Receiver struct {
	url     string // empty: there is none
	secrets [][]byte
	digest  [sha256.Size]byte
	client  *http.Client
	log     *slog.Logger
}

var _ chat.Receiver = (*Receiver)(nil)

// New makes a Receiver. With options that have faults, or no URL, it is not enabled.
func New(o Options) *Receiver {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.URL == "" || len(o.Faults()) > 0 {
		return &Receiver{log: o.Log}
	}
	secrets, _ := parseSecrets(o.Secret)
	to, _ := url.Parse(o.URL) // it has no faults
	return &Receiver{
		url: o.URL, secrets: secrets, digest: sha256.Sum256([]byte(o.URL)), client: outgoing.NewClient(to.Scheme, connsMax, connsMax), log: o.Log,
	}
}

// Enabled implements [chat.Receiver].
func (r *Receiver) Enabled() bool { return r.url != "" }

// Digest implements [chat.Receiver].
func (r *Receiver) Digest() []byte { return r.digest[:] }

// body is what is sent. data is what the API answers for the same thing.
type body struct {
	Type      chat.WebhookType `json:"type"`
	Timestamp chat.Time        `json:"timestamp"` // when it happened
	Data      any              `json:"data"`
}

// Send implements [chat.Receiver]. Only a 2xx is taken; a redirect is a failure, and is not followed. Each failure is one
// record of the log, which holds neither the URL nor anything of what was sent or answered.
func (r *Receiver) Send(ctx context.Context, w chat.Webhook) chat.Reception {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	status, err := r.post(ctx, cancel, w)
	if status/100 == 2 {
		return chat.Taken
	}
	r.log.WarnContext(ctx, "a webhook was not taken", "class", class(status, err), "status", status,
		"type", string(w.Type), "webhookId", w.ID, "clientId", chat.LogID(w.ClientID), "attempts", w.Attempts)
	if status == http.StatusGone {
		return chat.Gone
	}
	return chat.NotTaken
}

// post sends one webhook. The status is 0 if no answer came.
func (r *Receiver) post(ctx context.Context, cancel func(), w chat.Webhook) (status int, err error) {
	text, err := json.Marshal(body{w.Type, w.At(), w.Payload()})
	if err != nil {
		return 0, errUnencodable
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, strings.NewReader(string(text)))
	if err != nil {
		return 0, err
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "devinbox")
	request.Header.Set("Webhook-Id", w.ID)
	request.Header.Set("Webhook-Timestamp", now)
	request.Header.Set("Webhook-Signature", r.sign(w.ID+"."+now+"."+string(text)))
	// A header without a value is not sent, but allows net/http to send the request again if it died with an idle connection.
	request.Header["X-Idempotency-Key"] = nil
	response, err := r.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	enough := time.AfterFunc(answerPatience, cancel)
	defer enough.Stop()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswerBytes)
	return response.StatusCode, nil
}

// sign is the value of webhook-signature: one signature for each secret.
func (r *Receiver) sign(text string) string {
	var signatures []string
	for _, secret := range r.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " ")
}

var errUnencodable = errors.New("it cannot be encoded")

// class is one word for what went wrong, which may be logged: the errors of net/http hold the URL.
func class(status int, err error) string {
	switch {
	case status/100 == 3:
		return "redirect"
	case status == http.StatusGone:
		return "gone"
	case status != 0:
		return strconv.Itoa(status/100) + "xx"
	case errors.Is(err, errUnencodable):
		return "unencodable"
	default:
		return outgoing.Class(err)
	}
}
