// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Where libFuzzer comes in, once for each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let done = DispatchSemaphore(value: 0)
    // Detached because the library is asynchronous and the fuzzer is not; it is waited for.
    Task.detached {
        await FuzzTarget.chosen.run(bytes)
        done.signal()
    }
    done.wait()
    return 0
}
