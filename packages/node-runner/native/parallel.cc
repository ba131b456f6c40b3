#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace thaw {
namespace {

/** Turns of waiting before a thread lies down: long enough to bridge two kernels, short enough to leave TensorFlow's threads their cores. */
constexpr int kSpins = 20000;

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/**
 * Takes numbers below the smallest normal one for 0 while it lives, as TensorFlow does: pretrained networks have
 * channels that are as good as dead, and a processor takes a hundred times as long over such numbers.
 */
class FlushTinyNumbers {
 public:
#if defined(__x86_64__)
  FlushTinyNumbers() : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before_ | 0x8040); }
  ~FlushTinyNumbers() { __builtin_ia32_ldmxcsr(before_); }

 private:
  unsigned before_;
#elif defined(__aarch64__)
  FlushTinyNumbers() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" ::"r"(before_ | (uint64_t{1} << 24)));
  }
  ~FlushTinyNumbers() { asm volatile("msr fpcr, %0" ::"r"(before_)); }

 private:
  uint64_t before_;
#endif
};

struct Job {
  const std::function<void(int64_t)>* work;
  int64_t count;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};
  Job(const std::function<void(int64_t)>* work, int64_t count) : work(work), count(count) {}

  void run() {
    const FlushTinyNumbers flush;
    int64_t finished = 0;
    for (int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      (*work)(i);
      finished += 1;
    }
    if (finished > 0) done.fetch_add(finished);
  }
};

class Pool {
 public:
  explicit Pool(int workers) {
    for (int i = 0; i < workers; i += 1) threads_.emplace_back([this] { loop(); });
  }

  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  int size() const { return static_cast<int>(threads_.size()) + 1; }

  void run(int64_t count, const std::function<void(int64_t)>& work) {
    auto job = std::make_shared<Job>(&work, count);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      job_ = job;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    job->run();
    while (job->done.load() < count) relax();
  }

 private:
  void loop() {
    uint64_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < kSpins && generation_.load() == seen; spin += 1) relax();
      std::shared_ptr<Job> job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load() != seen; });
        seen = generation_.load();
        if (stopped_) return;
        job = job_;
      }
      job->run();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> generation_{0};
  bool stopped_ = false;
  std::shared_ptr<Job> job_;
  std::vector<std::thread> threads_;
};

// Never destroyed: workers must not be joined while the process unloads its libraries.
Pool* pool = nullptr;

}  // namespace

void setThreads(int count) {
  if (pool != nullptr && pool->size() == count) return;
  delete pool;
  pool = count > 1 ? new Pool(count - 1) : nullptr;
}

void parallelFor(int64_t count, const std::function<void(int64_t)>& work) {
  if (pool == nullptr || count <= 1) {
    const FlushTinyNumbers flush;
    for (int64_t i = 0; i < count; i += 1) work(i);
    return;
  }
  pool->run(count, work);
}

}  // namespace thaw
