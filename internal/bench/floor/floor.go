// Package floor does the same as a send with the least possible work: one statement that stores the same rows, one
// signed POST, and one delete by key. A benchmark is compared with it. It shares only the tables with the product.
package floor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

//go:embed floor.sql
var functions string

// Install makes the floor's functions in a database that is migrated. Once is enough, and a second time fails.
func Install(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, functions)
	return err
}

// Pusher is where the floor announces: a server that speaks Pusher's protocol, over plain http.
type Pusher struct {
	URL                string // such as http://127.0.0.1:6001
	AppID, Key, Secret string
}

// Caller is one caller at the floor, with one raw connection to Postgres and one to the Pusher server. It is for one
// goroutine at a time.
//
// Its connection works in the exec mode that the product needs behind a pooler: no statement is prepared.
type Caller struct {
	conn   *pgx.Conn
	client *http.Client
	pusher Pusher
	path   string
}

// Open connects a caller to a database that [Install] was used on.
func Open(ctx context.Context, database string, pusher Pusher) (*Caller, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Caller{
		conn:   conn,
		client: &http.Client{Transport: &http.Transport{}},
		pusher: pusher,
		path:   "/apps/" + pusher.AppID + "/batch_events",
	}, nil
}

// Close ends both connections.
func (c *Caller) Close() error {
	c.client.CloseIdleConnections()
	return c.conn.Close(context.Background())
}

// Begin makes a client's conversation, with no message, and announces nothing.
func (c *Caller) Begin(ctx context.Context, clientID string) error {
	_, err := c.conn.Exec(ctx, "select floor.begin($1)", clientID)
	return err
}

// Send sends a message of the client.
func (c *Caller) Send(ctx context.Context, clientID, body string) error {
	id := uuid.Must(uuid.NewV7()).String()
	return c.change(ctx, clientID, "new-message", "select floor.send($1, $2, $3, $4)", clientID, id, id, body)
}

// Read moves the developers' read mark to a message that is there.
func (c *Caller) Read(ctx context.Context, clientID string, upToSeq int64) error {
	return c.change(ctx, clientID, "messages-read", "select floor.read($1, $2)", clientID, upToSeq)
}

// Edit gives a message that is there another body.
func (c *Caller) Edit(ctx context.Context, clientID string, seq int64, body string) error {
	return c.change(ctx, clientID, "message-updated", "select floor.edit($1, $2, $3)", clientID, seq, body)
}

// Update gives a conversation another status.
func (c *Caller) Update(ctx context.Context, clientID, status string) error {
	return c.change(ctx, clientID, "conversation-updated", "select floor.update($1, $2)", clientID, status)
}

// change is the three steps. statement gives the version of the change, by which its events are forgotten.
func (c *Caller) change(ctx context.Context, clientID, event, statement string, arguments ...any) error {
	var version *int64
	if err := c.conn.QueryRow(ctx, statement, arguments...).Scan(&version); err != nil {
		return err
	}
	if version == nil {
		return errors.New("floor: there is no such conversation")
	}
	if err := c.announce(ctx, clientID, event); err != nil {
		return err
	}
	_, err := c.conn.Exec(ctx, "select floor.forget($1, $2)", clientID, *version)
	return err
}

// What two events hold, about as long as a message and a conversation are.
var (
	shorter = strings.Repeat(`\"field\":\"value of it\",`, 16)
	longer  = strings.Repeat(`\"field\":\"value of it\",`, 24)
)

func (c *Caller) announce(ctx context.Context, clientID, event string) error {
	body := fmt.Appendf(nil,
		`{"batch":[{"channel":"private-client-%s","name":"%s","data":"{%s}","socket_id":"1.2"},{"channel":"private-developer-inbox","name":"conversation-updated","data":"{%s}","socket_id":"1.2"}]}`,
		clientID, event, shorter, longer)
	query := fmt.Sprintf("auth_key=%s&auth_timestamp=%d&auth_version=1.0&body_md5=%x", c.pusher.Key, time.Now().Unix(), md5.Sum(body))
	signature := hmac.New(sha256.New, []byte(c.pusher.Secret))
	fmt.Fprintf(signature, "POST\n%s\n%s", c.path, query)
	url := fmt.Sprintf("%s%s?%s&auth_signature=%x", c.pusher.URL, c.path, query, signature.Sum(nil))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("floor: the Pusher server answers %d: %s", response.StatusCode, text)
	}
	return err
}
