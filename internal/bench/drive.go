package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// sender sends one message in the conversation of a client, and fails unless it is stored and announced.
type sender func(ctx context.Context, clientID string) error

// drive has every sender send, one message after the other, until so many have been sent in all. The conversations are
// taken in turns. It returns how long each send took, and all together.
func drive(ctx context.Context, senders []sender, sends int, clients []string) (each []time.Duration, all time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	each = make([]time.Duration, sends)
	var next atomic.Int64
	var group sync.WaitGroup
	begun := time.Now()
	for _, send := range senders {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= sends || ctx.Err() != nil {
					return
				}
				begun := time.Now()
				if err := send(ctx, clients[i%len(clients)]); err != nil {
					cancel(err)
					return
				}
				each[i] = time.Since(begun)
			}
		})
	}
	group.Wait()
	return each, time.Since(begun), context.Cause(ctx)
}

// median is the middle of some values, of which there is at least one.
func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// secret is what the tokens are signed with.
const secret = "a secret of the benchmark, of thirty-two bytes"

// token is a bearer token of a client (RFC 7515, HS256), as the contract has it. It is signed here, so that one and the
// same is good for every commit.
func token(clientID string) string {
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	signed := text(`{"alg":"HS256","typ":"JWT"}`) + "." +
		text(fmt.Sprintf(`{"sub":%q,"role":"client","name":"Grace","exp":%d}`, clientID, time.Now().Add(24*time.Hour).Unix()))
	mac := hmac.New(sha256.New, []byte(secret))
	io.WriteString(mac, signed)
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// body is what every message says.
const body = "Hello! I have a question about the invoice of last month."

// httpSenders send through the function at an address, each over a connection that is kept.
func httpSenders(address string, count int, tokens map[string]string) []sender {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: count}}
	send := func(ctx context.Context, clientID string) error {
		draft := fmt.Sprintf(`{"body":%q,"clientMessageId":%q,"socketId":"1.2"}`, body, uuid.NewString())
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/api/messages/send", strings.NewReader(draft))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+tokens[clientID])
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusCreated || !strings.Contains(string(answer), `"realtime":"delivered"`) {
			return fmt.Errorf("a send is answered %d: %s", response.StatusCode, answer)
		}
		return nil
	}
	return slices.Repeat([]sender{send}, count)
}
