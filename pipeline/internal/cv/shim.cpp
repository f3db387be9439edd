#include "shim.h"

#include <opencv2/core.hpp>
#include <opencv2/video/tracking.hpp>

void dt_single_thread(void) { cv::setNumThreads(1); }

int dt_dis_flow(const unsigned char* a, const unsigned char* b, int w, int h,
                int finest_scale, int patch_size, int patch_stride,
                int gradient_iterations, int variational_iterations,
                float* flow) {
    try {
        cv::Mat ma(h, w, CV_8UC1, const_cast<unsigned char*>(a));
        cv::Mat mb(h, w, CV_8UC1, const_cast<unsigned char*>(b));
        cv::Mat mf(h, w, CV_32FC2, flow);
        cv::Ptr<cv::DISOpticalFlow> dis = cv::DISOpticalFlow::create();
        dis->setFinestScale(finest_scale);
        dis->setPatchSize(patch_size);
        dis->setPatchStride(patch_stride);
        dis->setGradientDescentIterations(gradient_iterations);
        dis->setVariationalRefinementIterations(variational_iterations);
        dis->setUseMeanNormalization(true);
        dis->setUseSpatialPropagation(true);
        cv::Mat out = mf.clone();
        dis->calc(ma, mb, out);
        if (out.rows != h || out.cols != w || out.type() != CV_32FC2) return -1;
        out.copyTo(mf);
        return 0;
    } catch (...) {
        return -1;
    }
}
