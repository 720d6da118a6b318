package park

import "sync"

// holds is a heap of polls by the end of their hold time.
type holds []*Poll

// add puts q in and says whether it is the first to end.
func (h *holds) add(q *Poll) bool {
	*h = append(*h, q)
	q.at = int32(len(*h))
	h.up(len(*h) - 1)
	return q.at == 1
}

// remove takes q out, when it is in.
func (h *holds) remove(q *Poll) {
	if q.at == 0 {
		return
	}
	i, last := int(q.at)-1, len(*h)-1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	q.at = 0
	if i < last {
		h.down(i)
		h.up(i)
	}
}

func (h *holds) swap(i, j int) {
	s := *h
	s[i], s[j] = s[j], s[i]
	s[i].at, s[j].at = int32(i)+1, int32(j)+1
}

func (h *holds) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if (*h)[parent].until <= (*h)[i].until {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *holds) down(i int) {
	for n := len(*h); ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < n && (*h)[child].until < (*h)[least].until {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

// batchSize is how many polls a writer takes at once: few, so that writers share a small queue.
const batchSize = 32

// queue holds the polls to be answered. It is bounded by the polls that wait.
type queue struct {
	mu     sync.Mutex
	more   sync.Cond
	polls  []*Poll
	head   int
	idle   int
	closed bool
}

func (q *queue) init() { q.more.L = &q.mu }

func (q *queue) push(p *Poll) {
	q.mu.Lock()
	q.polls = append(q.polls, p)
	wake := q.idle > 0
	q.mu.Unlock()
	if wake {
		q.more.Signal()
	}
}

// take appends some polls to batch, waiting for the first. None means that the queue is closed.
func (q *queue) take(batch []*Poll) []*Poll {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.head == len(q.polls) {
		if q.closed {
			return batch
		}
		q.idle++
		q.more.Wait()
		q.idle--
	}
	n := min(batchSize, len(q.polls)-q.head)
	batch = append(batch, q.polls[q.head:q.head+n]...)
	clear(q.polls[q.head : q.head+n])
	if q.head += n; q.head == len(q.polls) {
		q.head = 0
		if q.polls = q.polls[:0]; cap(q.polls) > 4096 {
			q.polls = nil
		}
	}
	return batch
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.more.Broadcast()
}
