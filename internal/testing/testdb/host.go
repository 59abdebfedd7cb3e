package testdb

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/internal/dev/pgserver"
)

const givenVariable = "DEVINBOX_TEST_DATABASE_URL"

// host is a server on which databases are made.
type host struct {
	at       url.URL // of a database that exists as long as the server
	pool     *pgxpool.Pool
	template func() (name string, err error)
}

// shared is the server of this process's tests.
var shared = sync.OnceValues(func() (*host, error) {
	given, err := given(os.Getenv(givenVariable))
	if err != nil {
		return nil, err
	}
	if given != "" {
		return newHost(given)
	}
	server, err := throwAway.start()
	if err != nil {
		return nil, err
	}
	return newHost(server.URL(pgserver.Database))
})

// given returns value if a test may use it, and an error if not.
func given(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	config, err := pgconn.ParseConfig(value)
	if err != nil || !strings.Contains(value, "://") {
		return "", errors.New(givenVariable + " is not a URL such as postgres://user:password@127.0.0.1:5432/postgres")
	}
	hosts := []string{config.Host}
	for _, fallback := range config.Fallbacks {
		hosts = append(hosts, fallback.Host)
	}
	for _, name := range hosts {
		if !loopback(name) {
			return "", errors.New(givenVariable + " is not on this machine: tests make and drop databases, so they take a server on 127.0.0.1, ::1, localhost or a Unix socket only")
		}
	}
	return value, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasPrefix(host, "/") || ip != nil && ip.IsLoopback()
}

func newHost(at string) (*host, error) {
	parsed, err := url.Parse(at)
	if err != nil {
		return nil, errors.New("the server's URL cannot be read")
	}
	config, err := pgxpool.ParseConfig(at)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 4
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	h := &host{at: *parsed, pool: pool}
	h.template = sync.OnceValues(h.makeTemplate)
	return h, nil
}

// url returns the URL of one of the server's databases.
func (h *host) url(database string) string {
	u := h.at
	u.Path, u.RawPath = "/"+database, ""
	return u.String()
}
