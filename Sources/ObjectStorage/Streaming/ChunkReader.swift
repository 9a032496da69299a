// SPDX-License-Identifier: Apache-2.0

/// Takes the chunks of an object that is being written, one after the other.
///
/// Whatever fails is told as storage tells it, so that an adapter has one kind of error to clean
/// up after.
package struct ChunkReader<Chunks: AsyncSequence> where Chunks.Element == [UInt8] {
    private var source: Chunks.AsyncIterator
    private let location: Location

    /// Begins with the first chunk of an object.
    package init(_ chunks: Chunks, of location: Location) {
        source = chunks.makeAsyncIterator()
        self.location = location
    }

    /// The next chunk; nil at the end.
    ///
    /// - Throws: What the source throws if that is a ``StorageError``, else
    ///   ``StorageError/unavailable(_:reason:)``, also in a cancelled task.
    package mutating func next() async throws(StorageError) -> [UInt8]? {
        guard !Task.isCancelled else {
            throw .unavailable(location, reason: "the task was cancelled")
        }
        do { return try await source.next(isolation: #isolation) } catch let error as StorageError {
            throw error
        } catch {
            throw .unavailable(location, reason: "the source of its bytes failed: \(error)")
        }
    }
}
