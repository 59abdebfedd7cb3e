package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"devinbox/internal/testing/testdb"
	"devinbox/pkg/postgres/migrate"
)

// name is the database of a URL.
func name(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// standby is a server that takes no writes.
func standby(t *testing.T) string {
	t.Helper()
	server := testdb.Server(t)
	server.BecomeStandby()
	return server.URL()
}

func TestADatabaseThatCannotHoldTheSchemaIsRefusedBeforeAnythingIsChanged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		url  func(t *testing.T) string
		says []string
	}{
		{"of another encoding", func(t *testing.T) string { return testdb.Made(t, "encoding 'LATIN1' locale 'C'") }, []string{"LATIN1", "encoding 'UTF8'"}},
		{"without an encoding", func(t *testing.T) string { return testdb.Made(t, "encoding 'SQL_ASCII' locale 'C'") }, []string{"SQL_ASCII", "encoding 'UTF8'"}},
		{"a standby", standby, []string{"standby", "primary"}},
		{"read-only by a setting", func(t *testing.T) string {
			address := testdb.Empty(t)
			exec(t, address, "alter database "+name(t, address)+" set default_transaction_read_only = on")
			return address
		}, []string{"accepts no writes", "default_transaction_read_only"}},
		{"a role that may create nothing", func(t *testing.T) string {
			testdb.New(t) // the first one makes the role
			return testdb.Deployed(t, testdb.Empty(t))
		}, []string{"may not create", "grant"}},
		{"a role that may create nothing in the schema", func(t *testing.T) string { return testdb.Deployed(t, testdb.New(t)) }, []string{"may not create", "schema chat"}},
		{"a role that does not own the tables", func(t *testing.T) string {
			address := testdb.New(t)
			exec(t, address, "do $$ begin execute format('grant create on schema chat to %I', 'devinbox_test_deployed'); end $$")
			return testdb.Deployed(t, address)
		}, []string{"does not own"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := test.url(t)
			err := migrate.Up(t.Context(), address, func(name string) { t.Errorf("it begins with %s", name) })
			if err == nil {
				t.Fatal("it is taken")
			}
			for _, text := range test.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("it does not say %q: %v", text, err)
				}
			}
		})
	}
}

func TestAServerThatIsTooOldIsRefused(t *testing.T) {
	t.Parallel()
	for version, refused := range map[int]bool{90624: true, 130014: true, 140000: false, 150004: false, 180000: false} {
		if err := migrate.FaultOfVersion(version); (err != nil) != refused || refused && !strings.Contains(err.Error(), "14 or later") {
			t.Errorf("%d: %v", version, err)
		}
	}
}

// The record of the steps may be of somebody who meant well.
func TestARecordOfTheStepsThatCannotBeRightIsAnError(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a negative number": "update chat.schema_version set version = -1",
		"no row":            "delete from chat.schema_version",
		"two rows":          "insert into chat.schema_version (version) values (1)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := testdb.New(t)
			exec(t, address, statement)
			if err := migrate.Up(t.Context(), address, func(name string) { t.Errorf("ran %s", name) }); !errors.Is(err, migrate.ErrVersion) {
				t.Errorf("Up: %v", err)
			}
			if _, err := migrate.Read(t.Context(), address); !errors.Is(err, migrate.ErrVersion) {
				t.Errorf("Read: %v", err)
			}
		})
	}
}

func TestALockThatIsNeverGivenBackIsNamedWithItsHolder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, hold, says string
	}{
		{"of another run", fmt.Sprintf("select pg_advisory_xact_lock(%d)", int64(6_401_736_120_514_207)), "one migration at a time"},
		{"of a run that keeps it for the session", fmt.Sprintf("select pg_advisory_lock(%d)", int64(6_401_736_120_514_207)), "one migration at a time"},
		{"of a table", "lock table chat.schema_version", "lock on chat's tables"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := testdb.New(t)
			holder := connect(t, address)
			tx, err := holder.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(context.Background())
			if _, err := tx.Exec(t.Context(), test.hold); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err = migrate.UpWithin(ctx, address, 100*time.Millisecond, 2)
			if err == nil {
				t.Fatal("it does not wait at all")
			}
			for _, text := range []string{test.says, fmt.Sprintf("process %d (idle in transaction", holder.PgConn().PID()), "pg_terminate_backend"} {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("it does not say %q: %v", text, err)
				}
			}
		})
	}
}
