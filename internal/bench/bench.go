// Package bench measures the cost of a send for whole processes, as the operating system counts it: the program that
// serves, and Postgres with all of its processes. It compares one commit with another, or with the floor, in turns, so
// that other load on the machine affects both.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"devinbox/internal/bench/floor"
)

// Options say what is measured.
type Options struct {
	Checkout      string // the folder of the project
	Against       string // a commit to compare it with; empty for none
	Floor         bool   // compare it with the floor; not together with Against
	Pairs         int    // how many times each is measured
	Sends         int    // of one run
	Callers       []int  // at once; each number is measured by itself
	Conversations int    // that the sends go round
	Profile       string // a folder for a CPU profile of each program; empty for none
	Out           io.Writer
	Progress      *os.File // gets a line when something is done that takes time
}

// contender is one of what is compared.
type contender struct {
	name     string
	database string // its name
	url      string // of it
	program  *process
	open     func(ctx context.Context, callers int) (senders []sender, close func(), err error)
	stored   int // how many messages it has stored
}

// Run measures, and writes a table for each number of callers. A ratio is that of the checkout to the other.
// It changes nothing of the checkout, whose files are measured as they are, committed or not.
// Errors: what cannot be built, started or found; a send that was not stored and announced.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{Options: o}
	defer r.close()
	if err := r.start(ctx); err != nil {
		return err
	}
	for n := range o.Pairs {
		for _, callers := range o.Callers {
			for _, c := range r.contenders {
				figures, err := r.measure(ctx, c, callers)
				if err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
				r.add(callers, c, figures)
				fmt.Fprintf(o.Progress, "%d of %d, %d callers, %s: %.0f sends/s\n", n+1, o.Pairs, callers, c.name, figures[rate])
			}
		}
	}
	for _, callers := range o.Callers {
		for _, c := range r.contenders {
			count, err := r.countSyncs(ctx, c, callers)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			r.add(callers, c, map[figure]float64{syncs: count})
		}
	}
	for _, c := range r.contenders {
		if err := c.check(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	r.report()
	return nil
}

// run is one run of the whole.
type run struct {
	Options
	database   *database
	pusher     *pusher
	folder     string
	contenders []*contender
	clients    []string
	tokens     map[string]string
	results    map[int]map[*contender]map[figure][]float64 // by the number of callers
}

func (r *run) close() {
	for _, c := range r.contenders {
		if c.program != nil {
			c.program.stop()
		}
	}
	if r.pusher != nil {
		r.pusher.close()
	}
	if r.database != nil {
		r.database.stop()
	}
	if r.folder != "" {
		os.RemoveAll(r.folder)
	}
}

// start brings up everything, and begins the conversations.
func (r *run) start(ctx context.Context) (err error) {
	if r.folder, err = os.MkdirTemp("", "devinbox-bench-"); err != nil {
		return err
	}
	r.tokens = map[string]string{}
	for i := range r.Conversations {
		id := fmt.Sprintf("client-%d", i)
		r.clients = append(r.clients, id)
		r.tokens[id] = token(id)
	}
	if r.pusher, err = startPusher(); err != nil {
		return err
	}
	if r.database, err = startDatabase(ctx, r.Progress); err != nil {
		return err
	}
	this := &tree{name: "this checkout", folder: r.Checkout, probe: probeSource}
	if err := r.build(ctx, this, "this"); err != nil {
		return err
	}
	program, arguments := "probe", []string(nil)
	if r.Floor {
		if has, err := this.serves(ctx); err != nil {
			return err
		} else if has {
			program, arguments = "devinbox", []string{"serve"}
		}
	}
	if err := r.serve(ctx, this, "this", program, arguments...); err != nil {
		return err
	}
	switch {
	case r.Against != "":
		other := &tree{name: r.Against, folder: filepath.Join(r.folder, "source"), probe: probeSource}
		if err := extract(ctx, r.Checkout, r.Against, other.folder); err != nil {
			return err
		}
		if err := r.build(ctx, other, "other"); err != nil {
			return err
		}
		return r.serve(ctx, other, "other", "probe")
	case r.Floor:
		return r.standOnFloor(ctx, this)
	}
	return nil
}

func (r *run) build(ctx context.Context, t *tree, name string) error {
	fmt.Fprintln(r.Progress, "building", t.name)
	t.built = filepath.Join(r.folder, name)
	if err := os.MkdirAll(t.built, 0o755); err != nil {
		return err
	}
	return t.build(ctx)
}

// serve starts a program of a tree over a database of its own, and has every client begin its conversation.
func (r *run) serve(ctx context.Context, t *tree, name, program string, arguments ...string) error {
	url, err := r.database.create(ctx, name)
	if err != nil {
		return err
	}
	if err := t.migrate(ctx, url); err != nil {
		return err
	}
	variables := append(r.pusher.variables(), "DATABASE_URL="+url, "CHAT_JWT_SECRET="+secret, "CHAT_RATE_LIMIT=0")
	if r.Profile != "" {
		variables = append(variables, "BENCH_CPU_PROFILE="+filepath.Join(r.Profile, name+".pprof"))
	}
	p, err := serve(ctx, filepath.Join(t.built, "log"), variables, t.program(program), arguments...)
	if err != nil {
		return err
	}
	return r.enter(ctx, &contender{
		name:     t.name,
		database: name,
		url:      url,
		program:  p,
		open: func(_ context.Context, callers int) ([]sender, func(), error) {
			return httpSenders(p.address, callers, r.tokens), func() {}, nil
		},
	})
}

// standOnFloor enters the floor, over the tables of a tree.
func (r *run) standOnFloor(ctx context.Context, t *tree) error {
	const name = "floor"
	url, err := r.database.create(ctx, name)
	if err != nil {
		return err
	}
	if err := t.migrate(ctx, url); err != nil {
		return err
	}
	if err := floor.Install(ctx, url); err != nil {
		return err
	}
	first, err := floor.Open(ctx, url, r.pusher.at)
	if err != nil {
		return err
	}
	defer first.Close()
	for _, clientID := range r.clients {
		if err := first.Begin(ctx, clientID); err != nil {
			return err
		}
	}
	return r.enter(ctx, &contender{name: name, database: name, url: url, open: func(ctx context.Context, callers int) (senders []sender, close func(), err error) {
		var open []*floor.Caller
		close = func() {
			for _, c := range open {
				c.Close()
			}
		}
		for range callers {
			c, err := floor.Open(ctx, url, r.pusher.at)
			if err != nil {
				close()
				return nil, nil, err
			}
			open = append(open, c)
			senders = append(senders, func(ctx context.Context, clientID string) error { return c.Send(ctx, clientID, body) })
		}
		return senders, close, nil
	}})
}

// enter adds a contender whose every conversation then has a message.
func (r *run) enter(ctx context.Context, c *contender) error {
	r.contenders = append(r.contenders, c)
	_, _, err := r.drive(ctx, c, 4, len(r.clients))
	return err
}

// drive makes so many sends.
func (r *run) drive(ctx context.Context, c *contender, callers, sends int) (each []time.Duration, all time.Duration, err error) {
	senders, close, err := c.open(ctx, callers)
	if err != nil {
		return nil, 0, err
	}
	defer close()
	return c.drive(ctx, senders, sends, r.clients)
}

func (c *contender) drive(ctx context.Context, senders []sender, sends int, clients []string) (each []time.Duration, all time.Duration, err error) {
	each, all, err = drive(ctx, senders, sends, clients)
	if err != nil {
		if c.program != nil {
			err = fmt.Errorf("%w\n%s", err, c.program.tail())
		}
		return nil, 0, err
	}
	c.stored += sends
	return each, all, nil
}

// warmUp is how many sends each caller makes before it is measured: the first ones over a connection have everything
// planned, and looked up in the catalogue.
const warmUp = 20

// measure is one run of one contender.
func (r *run) measure(ctx context.Context, c *contender, callers int) (map[figure]float64, error) {
	if err := prepare(ctx, c.url); err != nil {
		return nil, err
	}
	senders, close, err := c.open(ctx, callers)
	if err != nil {
		return nil, err
	}
	defer close()
	if _, _, err := c.drive(ctx, senders, warmUp*callers, r.clients); err != nil {
		return nil, err
	}
	before, err := r.spent(c)
	if err != nil {
		return nil, err
	}
	each, all, err := c.drive(ctx, senders, r.Sends, r.clients)
	if err != nil {
		return nil, err
	}
	after, err := r.spent(c)
	if err != nil {
		return nil, err
	}
	figures := map[figure]float64{
		rate:  float64(r.Sends) / all.Seconds(),
		delay: micros(median(each)),
	}
	for name, spent := range after {
		figures[name] = micros(spent-before[name]) / float64(r.Sends)
	}
	return figures, nil
}

// spent is the processor time that a contender's program and Postgres have taken so far.
func (r *run) spent(c *contender) (map[figure]time.Duration, error) {
	if !measuresCPU {
		return nil, nil
	}
	spent := map[figure]time.Duration{}
	var faults [3]error
	spent[postgresCPU], faults[0] = cpuOfFamily(r.database.postmaster)
	spent[driverCPU], faults[1] = cpuOf(os.Getpid())
	if c.program != nil {
		spent[programCPU], faults[2] = cpuOf(c.program.pid())
	}
	return spent, errors.Join(faults[:]...)
}

// countSyncs is how often Postgres waits for the disk in a send.
func (r *run) countSyncs(ctx context.Context, c *contender, callers int) (float64, error) {
	before, err := r.database.syncs(ctx, c.database)
	if err != nil {
		return 0, err
	}
	if _, _, err := r.drive(ctx, c, callers, r.Sends); err != nil {
		return 0, err
	}
	after, err := r.database.syncs(ctx, c.database)
	return float64(after-before) / float64(r.Sends), err
}

// check requires that the work was done.
func (c *contender) check(ctx context.Context) error {
	messages, events, err := stored(ctx, c.url)
	if err == nil && messages != c.stored {
		err = fmt.Errorf("%d messages were sent, and %d are stored", c.stored, messages)
	}
	if err == nil && events > 0 {
		err = fmt.Errorf("%d events were announced and not acknowledged", events)
	}
	return err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
