package postgres_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"devinbox/pkg/postgres"
)

func TestAURLThatCannotBeUsedIsExplainedAndNotRepeated(t *testing.T) {
	t.Parallel()
	const good = "postgres://canary:canary@canary.example.com:5432/canary"
	for _, test := range []struct {
		name, url string
		says      []string // what is wrong, and what to write
	}{
		{"nothing", "", []string{"is missing"}},
		{"double quotes", `"` + good + `"`, []string{"quotation marks"}},
		{"single quotes", `'` + good + `'`, []string{"quotation marks"}},
		{"backticks", "`" + good + "`", []string{"quotation marks"}},
		{"quotes of a text processor", "“" + good + "”", []string{"quotation marks"}},
		{"a quote at the end", good + `"`, []string{"quotation marks"}},
		{"a quote of a text processor at the end", good + `’`, []string{"quotation marks"}},
		{"angle brackets", "<" + good + ">", []string{"brackets"}},
		{"escaped quotes", `\"` + good + `\"`, []string{"quotation marks"}},
		{"a psql command", "psql '" + good + "'", []string{"psql command", "only the URL"}},
		{"the variable's name", "DATABASE_URL=" + good, []string{"name of a variable"}},
		{"an export", "export DATABASE_URL=" + good, []string{"name of a variable"}},
		{"a comma behind it", good + ",", []string{"comma"}},
		{"a semicolon behind it", good + ";", []string{"semicolon"}},
		{"a line break in it", "postgres://canary:canary@canary\n.example.com/canary", []string{"line break"}},
		{"an invisible character in it", "postgres://canary:canary@canary\u200b.example.com/canary", []string{"invisible character"}},

		{"Prisma's proxy", "prisma://canary.example.com/?api_key=canary", []string{"Prisma", "postgres://"}},
		{"Prisma's Postgres", "prisma+postgres://canary.example.com/?api_key=canary", []string{"Prisma", "postgres://"}},
		{"Java", "jdbc:postgresql://canary.example.com/canary?user=canary", []string{"Java", "without jdbc:"}},
		{"a driver of Python", "postgresql+asyncpg://canary:canary@canary.example.com/canary", []string{"driver", "postgres://"}},
		{"another database", "mysql://canary:canary@canary.example.com/canary", []string{"is not a Postgres URL", "postgres://"}},
		{"an API", "https://canary.supabase.co", []string{"web page", "postgres://"}},
		{"capitals", "POSTGRES://canary:canary@canary.example.com/canary", []string{"must begin with postgres://"}},
		{"a host alone", "canary.example.com:5432/canary", []string{"is not a Postgres URL"}},
		{"a word", "canary", []string{"is not a Postgres URL"}},

		{"Supabase's placeholder", "postgresql://canary:[YOUR-PASSWORD]@canary.example.com:6543/canary", []string{"placeholder"}},
		{"a placeholder in angle brackets", "postgres://canary:<password>@canary.example.com/canary", []string{"placeholder"}},
		{"a placeholder of a shell", "postgres://canary:${CANARY}@canary.example.com/canary", []string{"placeholder"}},
		{"a placeholder in words", "postgres://canary:YOUR_PASSWORD@canary.example.com/canary", []string{"placeholder"}},
		{"a password that is masked", "postgres://canary:********@canary.example.com/canary", []string{"masked"}},
		{"a placeholder in the host", "postgres://canary:canary@aws-0-[REGION].example.com/canary", []string{"placeholder"}},
		{"a placeholder in the user", "postgres://postgres.[PROJECT-REF]:canary@canary.example.com/canary", []string{"placeholder"}},
		{"a placeholder in the other form", "host=canary.example.com user=canary password=<password>", []string{"placeholder"}},
		{".env.example", "postgres://user:password@host:5432/database?sslmode=require", []string{"placeholder"}},

		{"@ in the password", "postgres://canary:can@ary@canary.example.com/canary", []string{"password", "@ as %40"}},
		{"/ in the password", "postgres://canary:can/ary@canary.example.com/canary", []string{"password", "/ as %2F"}},
		{"/ behind a number in the password", "postgres://canary:12/canary@canary.example.com/canary", []string{"password", "/ as %2F"}},
		{"/ and ? in the password", "postgres://canary:12/?canary@canary.example.com/canary?sslmode=require", []string{"password", "/ as %2F"}},
		{"@ and / in the password", "postgres://canary:can@a/ry@canary.example.com/canary", []string{"password", "@ as %40", "/ as %2F"}},
		{"% in the password", "postgres://canary:100%of@canary.example.com/canary", []string{"%", "% as %25"}},
		{"% before two digits in the password", "postgres://canary:50%canary@canary.example.com/canary", []string{"%", "% as %25"}},
		{"% at the end of the password", "postgres://canary:canary%@canary.example.com/canary", []string{"%", "% as %25"}},
		{"a space in the password", "postgres://canary:can ary@canary.example.com/canary", []string{"space", "a space as %20"}},

		{"no host", "postgres://canary:canary@/canary", []string{"names no host"}},
		{"no host, and a port", "postgres://canary:canary@:5432/canary", []string{"names no host"}},
		{"nothing but the scheme", "postgres://", []string{"names no host"}},
		{"nothing but the database", "postgres:///canary", []string{"names no host"}},
		{"no second host", "postgres://canary:canary@canary.example.com,/canary", []string{"names no host"}},
		{"no host in the other form", "user=canary password=canary dbname=canary", []string{"names no host"}},
		{"a port in words", "postgres://canary:canary@canary.example.com:canary/canary", []string{"port", "65535"}},
		{"a port that is too high", "postgres://canary:canary@canary.example.com:65536/canary", []string{"port", "65535"}},

		{"a mode of node-postgres", good + "?sslmode=no-verify", []string{"sslmode", "require for no-verify"}},
		{"a mode of node-postgres, in the other form", "host=canary.example.com user=canary sslmode=no-verify", []string{"sslmode", "require for no-verify"}},
		{"a mode of nobody", good + "?sslmode=canary", []string{"sslmode", "verify-full"}},
		{"ssl of node-postgres", good + "?ssl=no-verify", []string{"ssl=", "sslmode=require"}},
		{"a certificate that is elsewhere", good + "?sslmode=verify-full&sslrootcert=/canary/canary.pem", []string{"sslrootcert", "not on this machine"}},
		{"a time that is none", good + "?connect_timeout=canary", []string{"setting"}},
		{"a setting without a value", good + "?canary", []string{"setting"}},
		{"an = in a value", good + "?options=project=canary", []string{"setting", "%3D"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := postgres.CheckURL(test.url)
			if err == nil {
				t.Fatal("it is taken")
			}
			for _, text := range test.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("it does not say %q: %v", text, err)
				}
			}
			if strings.Contains(strings.ToLower(err.Error()), "canary") {
				t.Errorf("it repeats the value: %v", err)
			}
			if faults := (postgres.Options{URL: test.url}).Faults(); len(faults) != 1 || faults[0].Name != "URL" || faults[0].Message != err.Error() {
				t.Errorf("Faults finds %+v", faults)
			}
		})
	}
}

// What is taken leads where it says.
func TestAURLThatIsRightIsTaken(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "socket")
	for _, test := range []struct {
		name, url, host, password string
	}{
		{"Neon's, pooled", "postgresql://neondb_owner:npg_a1@ep-cool-name-a1-pooler.eu-central-1.aws.neon.tech/neondb?sslmode=require&channel_binding=require", "ep-cool-name-a1-pooler.eu-central-1.aws.neon.tech", "npg_a1"},
		{"Supabase's, pooled", "postgres://postgres.abcdefgh:pw@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?sslmode=require&supa=base-pooler.x", "aws-0-eu-central-1.pooler.supabase.com", "pw"},
		{"Prisma's parameters", "postgres://u:pw@h.example.com/d?pgbouncer=true&connection_limit=1&schema=public", "h.example.com", "pw"},
		{"ssl=true", "postgres://u:pw@h.example.com/d?ssl=true", "h.example.com", "pw"},
		{"characters that need no code", "postgres://u:a:b#c?d!e$f&g@h.example.com/d", "h.example.com", "a:b#c?d!e$f&g"},
		{"characters in code", "postgres://u:%40%2F%25%20%3C@h.example.com/d", "h.example.com", "@/% <"},
		{"a password in brackets, in part", "postgres://u:a[b]<c>{d}*@h.example.com/d", "h.example.com", "a[b]<c>{d}*"},
		{"IPv6", "postgres://u:pw@[::1]:5432/d", "::1", "pw"},
		{"several hosts", "postgres://u:pw@h1.example.com:1,h2.example.com/d?target_session_attrs=primary", "h1.example.com", "pw"},
		{"a socket", "postgres://u:pw@/d?host=" + socket, socket, "pw"},
		{"a socket, in code", "postgres://u:pw@%2Fvar%2Frun/d", "/var/run", "pw"},
		{"an @ in a setting", "postgres://h.example.com/d?user=a@b&password=pw", "h.example.com", "pw"},
		{"the other form", "host=h.example.com user=u password='p w' dbname=d", "h.example.com", "p w"},
		{"no database", "postgres://u:pw@h.example.com", "h.example.com", "pw"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := postgres.CheckURL(test.url); err != nil {
				t.Fatal(err)
			}
			config, err := pgxpool.ParseConfig(test.url)
			if err != nil || config.ConnConfig.Host != test.host || config.ConnConfig.Password != test.password {
				t.Errorf("host %q, password %q, %v", config.ConnConfig.Host, config.ConnConfig.Password, err)
			}
		})
	}
}

// Whatever somebody pastes, no part of it that could be a secret comes back.
func FuzzAFaultOfAURLRepeatsNothing(f *testing.F) {
	for _, url := range []string{"postgres://u:%s@h/d", "%s", "'postgres://u:%s@h/d'", "host=h password=%s", "postgres://u:p@h/d?%s"} {
		f.Add(strings.ReplaceAll(url, "%s", "s3cr3t"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		const secret = "s3cr3tCanary"
		if err := postgres.CheckURL(strings.ReplaceAll(text, "s3cr3t", secret)); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
