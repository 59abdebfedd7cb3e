package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"devinbox/internal/dev/objectstore"
	"devinbox/internal/dev/pusherserver"
	"devinbox/internal/testing/objectstores"
	"devinbox/internal/testing/testdb"
	"devinbox/pkg/chat"
)

const someLines = `{"clientId":"42","senderRole":"client","senderName":"Grace","body":"canary one","createdAt":"2025-01-02T03:04:05Z"}
{"clientId":"42","senderRole":"developer","senderId":"ada","body":"canary two","createdAt":"2025-01-02T03:04:06Z"}
{"clientId":"grace@example.com","senderRole":"client","body":"canary three","createdAt":"2025-01-02T03:04:07Z"}
`

func TestAClientIsImportedExportedAndErasedByTheCommands(t *testing.T) {
	t.Parallel()
	folder, variables := emptyProject(t), []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/pooled", "DATABASE_URL_UNPOOLED=" + testdb.New(t)}
	write(t, filepath.Join(folder, "lines"), someLines)

	execute(t, folder, variables, "import", "lines").is(t, 0, "Imported 2 conversations with 3 messages. 0 were there already.")
	pipe := command(t, folder, variables, "import", "-")
	pipe.Stdin = strings.NewReader(someLines)
	finish(t, pipe).is(t, 0, "Imported 0 conversations with 0 messages. 2 were there already.")

	exported := execute(t, folder, variables, "export", "--client", "42").is(t, 0, `"format":"devinbox-conversation"`, "canary one", "canary two")
	if exported.errors != "" || strings.Contains(exported.output, "canary three") {
		t.Errorf("%+v", exported)
	}
	execute(t, folder, variables, "erase", "--client", "42").is(t, 0, "Erased: 2 messages.", "Pusher is not configured here", "docs/personal-data.md")
	if again := execute(t, folder, variables, "export", "--client", "42").is(t, 0, `"body":""`); strings.Contains(again.output, "canary") || strings.Contains(again.output, "Grace") {
		t.Errorf("%s", again.output)
	}
	write(t, filepath.Join(folder, "exported"), exported.output)
	execute(t, folder, variables, "import", "exported").is(t, 0, "Imported 0 conversations with 0 messages. 1 were there already.") // it stays erased

	execute(t, folder, variables, "erase", "--client", "grace@example.com", "--vacuum=false").is(t, 0, "--all removes it")
	execute(t, folder, variables, "erase", "--client", "grace@example.com", "--all").is(t, 0, "the client's id are gone")
	execute(t, folder, variables, "erase", "--client", "42", "--all").is(t, 0, "the client's id are gone")
	for _, arguments := range []string{"export --client 42", "erase --client 42", "erase --client 42 --all"} {
		if o := execute(t, folder, variables, strings.Fields(arguments)...).is(t, 1, "holds nothing about this client"); o.output != "" {
			t.Errorf("%+v", o)
		}
	}
	execute(t, folder, variables, "import", "exported").is(t, 0, "Imported 1 conversations with 2 messages.")
}

func TestAnErasureTellsThePagesThatAreOpen(t *testing.T) {
	t.Parallel()
	recorder := &pusherserver.Recorder{}
	server, err := pusherserver.Start(pusherserver.Options{AppID: "1", Key: "test-key", Secret: "test-secret", Recorder: recorder})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	folder, variables := emptyProject(t), []string{
		"DATABASE_URL=" + testdb.New(t), "PUSHER_APP_ID=1", "NEXT_PUBLIC_PUSHER_KEY=test-key", "PUSHER_SECRET=test-secret",
		"PUSHER_HOST=" + server.Host(), "PUSHER_PORT=" + server.Port(), "PUSHER_USE_TLS=false",
	}
	write(t, filepath.Join(folder, "lines"), someLines)
	execute(t, folder, variables, "import", "lines").is(t, 0)
	if n := len(recorder.Published()); n != 0 {
		t.Errorf("an import announces %d events", n)
	}
	// Also if the conversation itself goes.
	execute(t, folder, variables, "erase", "--client", "42", "--all").is(t, 0, "Erased: 2 messages.")
	told := map[string]int{}
	for _, event := range recorder.Published() {
		told[event.Name+" on "+event.Channel]++
		if strings.Contains(event.Data, "canary") || strings.Contains(event.Data, "Grace") {
			t.Errorf("told: %s", event.Data)
		}
	}
	if told["message-updated on private-client-42"] != 2 || told["conversation-updated on private-client-42"] != 1 || told["conversation-updated on private-developer-inbox"] != 1 {
		t.Errorf("told: %v", told)
	}

	// If Pusher fails, it is erased all the same, and that is said.
	failing := append(variables, "PUSHER_SECRET=another")
	execute(t, folder, failing, "erase", "--client", "grace@example.com", "--all").is(t, 0, "Open pages may show the old texts", "are gone")
}

// A file that was begun long ago is gone when the command ends, and forgotten. Of a new one an upload may still be going
// on, so the cron deletes it once more.
func TestAnErasureDeletesTheFilesFromTheObjectStore(t *testing.T) {
	t.Parallel()
	store := objectstores.Embedded(t, nil)
	database := testdb.New(t)
	folder, without := emptyProject(t), []string{"DATABASE_URL=" + database}
	variables := without
	for name, value := range store.Environment() {
		variables = append(variables, name+"="+value)
	}
	write(t, filepath.Join(folder, "lines"), someLines)
	execute(t, folder, variables, "import", "lines").is(t, 0)
	db, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.Background()) })
	for name, age := range map[string]string{"old": "2 hours", "new": "0"} {
		key := chat.ObjectPrefix("42") + name
		answer, err := http.DefaultClient.Do(store.Signed(t, http.MethodPut, "/"+store.Bucket+"/"+key, "text"))
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer, err)
		}
		answer.Body.Close()
		if _, err := db.Exec(t.Context(), `insert into chat.attachment (client_id, id, object_key, file_name, media_type, size, by_client, begun_at)
			values ('42', gen_random_uuid(), $1, 'canary.txt', 'text/plain', 4, true, now() - $2::interval)`, key, age); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (n int) {
		if err := db.QueryRow(t.Context(), "select count(*) from chat.object_deletion").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	execute(t, folder, without, "erase", "--client", "42").is(t, 0, "stay in the object store until the deployment's cron deletes them: S3_ENDPOINT")
	if n := len(store.List(t)); n != 2 || left() != 2 {
		t.Errorf("%d objects, %d are to be deleted", n, left())
	}
	store.Server.Fail(objectstore.SlowDown)
	execute(t, folder, variables, "erase", "--client", "42").is(t, 0, "2 of 2 could not be deleted")
	store.Server.Fail(objectstore.Nothing)
	execute(t, folder, variables, "erase", "--client", "42", "--all").is(t, 0, "Files deleted: 2.", "the client's id are gone")
	if n := len(store.List(t)); n != 0 || left() != 1 {
		t.Errorf("%d objects, %d are to be deleted", n, left())
	}
}

func TestImportExportAndEraseSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	folder, variables := emptyProject(t), []string{"DATABASE_URL=" + testdb.New(t)}
	write(t, filepath.Join(folder, "lines"), someLines)
	write(t, filepath.Join(folder, "bad"), someLines+`{"clientId":"43","senderRole":"client","body":"canary","createdAt":"canary"}`)
	o := execute(t, folder, variables, "import", "bad").is(t, 1, "nothing was imported", "line 4: createdAt must be a time with its zone")
	if strings.Contains(o.errors, "canary") {
		t.Errorf("it repeats what is in the file: %s", o.errors)
	}
	execute(t, folder, variables, "import", "lines").is(t, 0, "Imported 2 conversations")
	write(t, filepath.Join(folder, "other"), strings.Replace(someLines, "canary one", "canary other", 1))
	execute(t, folder, variables, "import", "other").is(t, 1, `the conversation of "42" is there already, with other messages`)
	execute(t, folder, variables, "import", "nowhere").is(t, 1, "there is no file nowhere")
	if err := os.Mkdir(filepath.Join(folder, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	execute(t, folder, variables, "import", "folder").is(t, 1, "folder is a folder: give a file")
	for _, arguments := range []string{"export --client 42", "import lines", "erase --client 42"} {
		execute(t, folder, nil, strings.Fields(arguments)...).is(t, 1, "DATABASE_URL is not set")
		execute(t, folder, []string{"DATABASE_URL=" + testdb.Empty(t)}, strings.Fields(arguments)...).is(t, 1, "devinbox migrate")
		execute(t, t.TempDir(), nil, strings.Fields(arguments)...).is(t, 1, "vercel.json")
	}
	for _, arguments := range []string{"import lines", "erase --client 42"} { // they would use channels that nobody is on
		execute(t, folder, append(variables, "CHAT_CHANNELS=presense"), strings.Fields(arguments)...).is(t, 1, "CHAT_CHANNELS must be private, presence or public")
		inFile := emptyProject(t)
		write(t, filepath.Join(inFile, "lines"), someLines)
		write(t, filepath.Join(inFile, ".env.local"), "CHAT_CHANNELS=presense\n")
		execute(t, inFile, variables, strings.Fields(arguments)...).is(t, 1, "CHAT_CHANNELS (in .env.local) must be private, presence or public")
	}
	for _, arguments := range []string{"export", "export 42", "export --client=", "import", "import a b", "erase", "erase 42", "erase --client=", "erase --client 42 43", "erase --client 42 --all=perhaps"} {
		execute(t, folder, variables, strings.Fields(arguments)...).is(t, 2, "--help")
	}
}

func TestCtrlCEndsAnImportFromATerminal(t *testing.T) {
	t.Parallel()
	c := command(t, emptyProject(t), []string{"DATABASE_URL=" + testdb.New(t)}, "import", "-")
	keyboard, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keyboard.Close()
	r := start(t, c)
	if _, err := keyboard.Write(bytes.Repeat([]byte("\n"), 1<<20)); err != nil { // more than a pipe holds: so it reads
		t.Fatal(err)
	}
	r.Process.Signal(os.Interrupt)
	r.ends()
}
