package nacre

import (
	"github.com/gofiber/fiber/v2"

	"nacre/server/metrics/series"
	"nacre/web/api/wire"
)

type seriesIn struct {
	Range string   `query:"range" default:"15m" enum:"15m,1h,24h" doc:"how far back"`
	Node  string   `query:"node" doc:"id of the node of a cluster whose figures these are; without it, the one that is asked"`
	Names []string `query:"names" max:"50" doc:"only these figures, in this order; without it, all" example:"publishes,publish_p99"`
}

// seriesLine is one figure over time.
type seriesLine struct {
	Name   string         `json:"name"`
	Unit   string         `json:"unit" doc:"ms, bytes, per second, or empty for a number of things"`
	Values []series.Value `json:"values" doc:"one for each step, null where there was none; of the range of a day, the mean of each step"`
	Max    []series.Value `json:"max" doc:"of the range of a day, the greatest of each step, else empty"`
}

type seriesAnswer struct {
	Range   string       `json:"range" enum:"15m,1h,24h"`
	StartMs int64        `json:"startMs" doc:"when the first values were taken"`
	StepMs  int64        `json:"stepMs" doc:"what lies between two values"`
	Series  []seriesLine `json:"series"`
}

func (a *api) series(c *fiber.Ctx, in *seriesIn) (*seriesAnswer, error) {
	t, err := a.Nodes.Series(wire.Context(c), in.Node, in.Range, in.Names)
	if err != nil {
		return nil, err
	}
	out := &seriesAnswer{Range: in.Range, StartMs: t.StartMs, StepMs: t.StepMs, Series: make([]seriesLine, 0, len(t.Lines))}
	for _, l := range t.Lines {
		if l.Max == nil {
			l.Max = []series.Value{}
		}
		out.Series = append(out.Series, seriesLine(l))
	}
	return out, nil
}
