package realtime

import (
	"crypto/hmac"
	"crypto/sha256"
)

// sign is Pusher's signature of a text: its HMAC-SHA256 under the app's secret.
func (p *Publisher) sign(text []byte) []byte {
	mac := hmac.New(sha256.New, []byte(p.client.Secret))
	mac.Write(text)
	return mac.Sum(nil)
}
