package bench

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// figure is something that is measured.
type figure string

const (
	programCPU  figure = "CPU of the program, µs a send"
	postgresCPU figure = "CPU of Postgres, µs a send"
	driverCPU   figure = "CPU of what drives it, µs a send" // and of what stands for Pusher: this process
	rate        figure = "sends a second"
	delay       figure = "half the sends within, µs"
	syncs       figure = "waits for the disk a send"
)

var figures = []figure{programCPU, postgresCPU, driverCPU, rate, delay, syncs}

// add keeps what a run gave.
func (r *run) add(callers int, c *contender, of map[figure]float64) {
	if r.results == nil {
		r.results = map[int]map[*contender]map[figure][]float64{}
	}
	if r.results[callers] == nil {
		r.results[callers] = map[*contender]map[figure][]float64{}
	}
	if r.results[callers][c] == nil {
		r.results[callers][c] = map[figure][]float64{}
	}
	for name, value := range of {
		r.results[callers][c][name] = append(r.results[callers][c][name], value)
	}
}

// report writes the medians, and the median of what each run is to the one after it.
func (r *run) report() {
	if !measuresCPU {
		fmt.Fprintln(r.Out, "This system does not say how much processor time a process took: only Linux is asked.")
	}
	for _, callers := range r.Callers {
		fmt.Fprintf(r.Out, "\n%d at once, %d sends a run over %d conversations, medians of %d\n", callers, r.Sends, r.Conversations, r.Pairs)
		table := tabwriter.NewWriter(r.Out, 0, 0, 2, ' ', tabwriter.AlignRight)
		var heads []string
		for _, c := range r.contenders {
			heads = append(heads, c.name)
		}
		if len(heads) == 2 {
			heads = append(heads, "ratio")
		}
		fmt.Fprintf(table, "\t%s\t\n", strings.Join(heads, "\t"))
		for _, f := range figures {
			r.line(table, callers, f)
		}
		table.Flush()
	}
}

func (r *run) line(table *tabwriter.Writer, callers int, f figure) {
	row := []string{string(f)}
	measured := 0
	for _, c := range r.contenders {
		values := r.results[callers][c][f]
		switch {
		case len(values) == 0:
			row = append(row, "–")
			continue
		case f == syncs:
			row = append(row, fmt.Sprintf("%.2f", median(values)))
		default:
			row = append(row, fmt.Sprintf("%.0f", median(values)))
		}
		measured++
	}
	switch {
	case measured == 0:
		return
	case measured == 2:
		ours, theirs := r.results[callers][r.contenders[0]][f], r.results[callers][r.contenders[1]][f]
		row = append(row, fmt.Sprintf("%.2f", median(ratios(ours, theirs))))
	case len(r.contenders) == 2:
		row = append(row, "–")
	}
	fmt.Fprintf(table, "%s\t\n", strings.Join(row, "\t"))
}

// ratios are those of each pair of runs.
func ratios(ours, theirs []float64) []float64 {
	of := make([]float64, len(ours))
	for i := range of {
		of[i] = ours[i] / theirs[i]
	}
	return of
}
